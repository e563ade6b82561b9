"""Requests that may come twice: the header Idempotency-Key, as its draft at the IETF (07) has it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from engine.api.call import Call
from engine.api.errors import HttpError
from engine.errors import BadInput
from engine.records.execution import Execution, Terms, new_id

LONGEST_KEY = 255


def terms_of(call: Call, path: str, user: str) -> Terms:
    """`path`: what is asked for, whichever way it was written. Raises BadInput."""
    given = call.headers.get(b"idempotency-key")
    if given is None:
        return Terms()
    key = given.decode("latin-1").strip()
    if not key:
        raise BadInput(
            "Idempotency-Key is empty.",
            hint="A variable that is not set makes it so. Leave it out where each request is a new one.",
        )
    if len(key) > LONGEST_KEY:
        raise BadInput(f"Idempotency-Key is longer than {LONGEST_KEY} characters.")
    asked = f"POST\0{path}\0{user}\0".encode() + hashlib.sha256(call.body).digest()
    return Terms(idempotency_key=key, fingerprint=hashlib.sha256(asked).hexdigest(), execution_id=new_id())


@contextmanager
def alone(call: Call, terms: Terms, user: str) -> Iterator[None]:
    """While this request is being stored no other one with its key is: that one gets 409."""
    if not terms.idempotency_key:
        yield
        return
    name = (user, terms.idempotency_key)
    if name in call.crowd.storing:
        raise HttpError(
            409,
            "A request with this Idempotency-Key is being stored. Send it again in a moment.",
            {"Retry-After": "1"},
        )
    call.crowd.storing.add(name)
    try:
        yield
    finally:
        call.crowd.storing.discard(name)


def replayed(execution: Execution, terms: Terms) -> dict[str, str]:
    """The header of an answer that an earlier request has made."""
    is_first = not terms.execution_id or execution.id == terms.execution_id
    return {} if is_first else {"Idempotency-Replayed": "true"}
