"""Ports for the servers of tests, chosen as the player of transcripts chooses them."""

from bot.sim.ports import free_port

__all__ = ["free_port"]
