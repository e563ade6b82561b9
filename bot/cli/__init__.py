"""The `stormcrow` command; `main` is its entry."""
