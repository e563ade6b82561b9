"""Workflows that run: rows, children, and the transactions that carry them from step to step."""
