"""Tests of inquiries."""
