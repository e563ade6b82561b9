"""Sensors: one supervised process each, and what it says over its pipe."""
