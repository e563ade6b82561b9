"""Pipelines of commands: text -> stages; each stage an execution; what it gives goes into the next."""
