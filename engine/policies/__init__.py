"""The policies of actions: who may start now, who waits, who is tried again."""
