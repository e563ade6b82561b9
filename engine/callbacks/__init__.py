"""Ends of executions told to addresses that were named with the request."""
