"""Runs actions outside the server: the shim that watches over them, and warm Python interpreters."""
