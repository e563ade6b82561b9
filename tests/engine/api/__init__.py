"""Tests of the REST API, against a real engine behind a real server."""
