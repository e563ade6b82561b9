"""Who may do what: roles, grants and limits, compiled once per reload."""
