"""Tests of engine/workflow_runs."""
