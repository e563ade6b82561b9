"""What hostile people, packs and outputs try, against the whole server."""
