"""Criteria of rules: pure functions of an event, compiled once per reload."""
