"""How an action looks to somebody, or some program, that may run it."""

import hashlib
from collections.abc import Iterable

from engine.api.call import dump
from engine.api.wire import Document, without_none
from engine.specs.action import EFFECT_KEY, ActionSpec


def runnable_document(action: ActionSpec, parameters: Document) -> Document:
    """`effect`: what its file says that it does to the world."""
    return without_none(
        {
            "ref": action.ref,
            "pack": action.pack,
            "name": action.name,
            "description": action.description,
            "effect": action.extensions.get(EFFECT_KEY),
            "is_idempotent": action.extensions.get("x-idempotent") is True,
            "parameters": parameters,
        }
    )


def runnables_document(actions: Iterable[Document]) -> Document:
    """With a digest, which is another one as soon as something in the list is."""
    listed = list(actions)
    return {"digest": hashlib.sha256(dump(listed)).hexdigest(), "actions": listed}
