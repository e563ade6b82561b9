"""kill -9, SIGTERM, dying shims: what is accepted is done, once, and answered."""
