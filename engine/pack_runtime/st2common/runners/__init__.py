"""The base class of Python actions, and their logger."""
