"""Every error the engine raises on purpose.

EngineError
├── BadSettings           config.yaml or the environment is wrong; `where` says file, line and key
├── BadContent            a pack file is wrong; `where` says file and line
├── BadInput              a caller's request is wrong (HTTP 400)
│   ├── BadParameter      a parameter is missing, unknown, of the wrong type or immutable
│   └── NoMatch           no alias, or more than one, fits a chat text
├── BadTemplate           a template of a pack does not render
│   └── ExpressionFailure an expression of a workflow cannot be evaluated
├── NotFound              no action, execution, alias ... of that name (HTTP 404)
├── Unauthenticated       no key or token, or one that is not (any more) valid (HTTP 401)
│   └── Untrusted         what others say of somebody is not believed; why is for the log alone
├── Denied                the user may not do this (HTTP 403)
├── Conflict              it clashes with what is there (HTTP 409)
│   ├── AlreadyThere      there is one of that name
│   ├── IllegalTransition an execution may not go from this status to that one
│   └── KeyReused         an Idempotency-Key that came with another request before (HTTP 422)
├── Busy                  too much waits already; it may be asked again soon (HTTP 503)
│   └── TooOften          somebody tried too often; `retry_after_s` says when to try again (HTTP 429)
├── DirectoryFailure      an LDAP server cannot be asked, or says what it should not
├── RunnerFailure         an action could not be started or carried on
└── StoreFailure          the database or the data folder cannot be used
"""

import difflib
import math
from collections.abc import Iterable


class EngineError(Exception):
    """What happened, in `message`; what to do next, in `hint` (may be empty)."""

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return sentences(text, self.hint)


class BadSettings(EngineError):
    """config.yaml or a STORMCROW_ variable holds a wrong key, type or value."""


class BadContent(EngineError):
    """A pack file cannot be used; `where` is `file:line`."""


class BadInput(EngineError):
    """The caller asked for something that cannot be done as asked."""


class BadParameter(BadInput):
    """A parameter is missing, unknown, of the wrong type, or may not be given."""


class NoMatch(BadInput):
    """A chat text fits no alias, or several."""


class BadTemplate(EngineError):
    """A template written in a pack does not compile or render, or passes a limit."""


class ExpressionFailure(BadTemplate):
    """An expression of a workflow; the message begins with the name that Orquesta gives it."""


class NotFound(EngineError):
    """There is nothing of that name."""


class Unauthenticated(EngineError):
    """The request carries no valid key or token."""


class Untrusted(Unauthenticated):
    """What others say of somebody is not believed; the message is for our log, never for the caller."""


class Denied(EngineError):
    """The user is known, and may not do this."""


class Conflict(EngineError):
    """The request clashes with what is already there."""


class AlreadyThere(Conflict):
    """There is one of that name; `existing_id` is what clients know it by."""

    def __init__(self, message: str, *, hint: str, existing_id: str) -> None:
        super().__init__(message, hint=hint)
        self.existing_id = existing_id


class IllegalTransition(Conflict):
    """An execution may not go from its status to the one asked for."""


class KeyReused(Conflict):
    """The same idempotency key came with another request before."""


class Busy(EngineError):
    """More waits than can be kept in hand; nothing was accepted, and it may be asked again soon."""


class TooOften(Busy):
    """Somebody has to wait before the next try."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message, hint=f"Try again in {math.ceil(retry_after_s)} s.")
        self.retry_after_s = retry_after_s


class DirectoryFailure(EngineError):
    """An LDAP server cannot be asked, or says what it should not; for the log and the doctor."""


class RunnerFailure(EngineError):
    """An action could not be started or carried on; the execution fails with this message."""


class StoreFailure(EngineError):
    """The database or the data folder cannot be used."""


def sentences(message: str, hint: str) -> str:
    """Both on one line, with a full stop between them where the message (of StackStorm) has none."""
    if not hint:
        return message
    is_open = message[-1:].isalnum() or message[-1:] in tuple(")]}'\"")
    return f"{message}. {hint}" if is_open and hint[:1].isupper() else f"{message} {hint}"


def nearest(wrong: str, known: Iterable[str]) -> str:
    """`Did you mean X?` for the most similar known word, or an empty string."""
    found = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else ""
