"""Transcripts: what people say and do in a chat, and what must come of it, played with a real server."""
