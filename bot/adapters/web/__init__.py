"""The web chat: our own channels and threads, in pages served by the same process."""
