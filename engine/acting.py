"""Who acts: set at the doors, taken along by every write that is submitted meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from engine.records.audit import Actor

NOBODY = Actor()
# A context variable, so that it follows a request into the thread that works for it.
_CURRENT: ContextVar[Actor] = ContextVar("actor", default=NOBODY)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Within the block, what this thread or task writes is done by `actor`."""
    before = _CURRENT.set(actor)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def current() -> Actor:
    return _CURRENT.get()
