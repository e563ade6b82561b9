"""Schedules: commands and actions at a time that people wrote, as rules on timers."""
