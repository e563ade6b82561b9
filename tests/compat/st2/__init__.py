"""StackStorm's own command line, unmodified, against a server of ours."""
