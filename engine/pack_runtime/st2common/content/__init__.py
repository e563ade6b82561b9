"""Where packs are on this machine."""
