"""Tests of the alert board."""
