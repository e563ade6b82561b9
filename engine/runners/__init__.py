"""The kinds of action: one file each. A runner is a pure worker, without database or registry."""
