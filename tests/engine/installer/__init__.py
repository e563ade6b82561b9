"""Tests of the pack installer."""
