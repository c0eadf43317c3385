"""The public functions: joins connection, wire, tables and cache."""
