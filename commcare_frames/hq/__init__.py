"""Speaks CommCare HQ's wire protocol: URLs, JSON and waiting; knows nothing of tables."""
