"""Errors of actions."""

__all__ = [
    "InvalidActionParameterException",
    "InvalidActionReferencedException",
    "ParameterRenderingFailedException",
]


class InvalidActionParameterException(Exception):
    """A parameter has a value that the action cannot use."""


class InvalidActionReferencedException(Exception):
    """There is no action of that reference."""


class ParameterRenderingFailedException(Exception):
    """A template in a parameter does not render."""
