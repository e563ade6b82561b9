"""Which request, person and execution the work in hand is for: every record of the log carries it.

A thread of a pool gets the facts of whoever hands it the work, by `contextvars`; who keeps work for
later keeps `contextvars.copy_context()` with it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_facts: ContextVar[Mapping[str, str]] = ContextVar("log_facts", default=_NOTHING)


@contextmanager
def about(**facts: str) -> Iterator[None]:
    """Within, records carry these too; empty ones are left out."""
    token = _facts.set(_with(facts))
    try:
        yield
    finally:
        _facts.reset(token)


def learn(**facts: str) -> None:
    """As `about`, until the block around it ends, or `forget`."""
    _facts.set(_with(facts))


def forget() -> None:
    """For a thread that goes on to something else."""
    _facts.set(_NOTHING)


def known() -> Mapping[str, str]:
    return _facts.get()


def _with(facts: Mapping[str, str]) -> Mapping[str, str]:
    return {**_facts.get(), **{name: value for name, value in facts.items() if value}}
