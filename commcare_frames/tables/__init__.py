"""Turns JSON records into Arrow tables and Arrow tables into typed frames; knows no network and no disk."""
