"""Tests of Slack: what is shown, and what people do with it."""
