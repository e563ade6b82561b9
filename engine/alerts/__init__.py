"""Alerts in channels: what monitoring systems send, in one shape, on one board."""
