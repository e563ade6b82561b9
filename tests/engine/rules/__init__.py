"""Tests of rules and events."""
