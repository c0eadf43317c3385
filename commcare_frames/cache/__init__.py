"""Keeps tables on the user's disk between calls."""
