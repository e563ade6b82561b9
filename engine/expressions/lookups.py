"""The datastore as templates see it: `st2kv.system.name`, `st2kv.user.name`."""

from typing import Protocol


class KeyValues(Protocol):
    """Where keys are read from; the store has one, and tests have another."""

    def get(self, scope: str, name: str, *, user: str | None) -> str | None:
        """The value of a key, a secret one as ciphertext; None when there is no such key.

        `scope` is "system" or "user"; `user` is whose keys are meant in the latter.
        """
        ...


class KeyLookup:
    """A key that is read when it is used as text or number; a missing one is the empty text.

    `st2kv.system.a.b` and `st2kv.system['a.b']` are the same key. A lookup is false when its
    value is empty, and equal to a text that is its value.
    """

    # Underscores, because every other name is a key; the sandbox hides these.
    __slots__ = ("_keys", "_name", "_read", "_scope", "_user")

    def __init__(self, keys: KeyValues, scope: str, user: str | None, name: str = "") -> None:
        self._keys = keys
        self._scope = scope
        self._user = user
        self._name = name
        self._read: str | None = None

    def __getattr__(self, name: str) -> "KeyLookup":
        # Python and Jinja ask for __html__, __iter__ and the like: those are no keys.
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: object) -> "KeyLookup":
        inner = f"{self._name}.{name}" if self._name else str(name)
        return KeyLookup(self._keys, self._scope, self._user, inner)

    # Without it iter() would try [0], [1] ... for ever: no index is ever missing.
    __iter__ = None

    def __str__(self) -> str:
        if self._read is None:
            found = self._keys.get(self._scope, self._name, user=self._user) if self._name else None
            self._read = found or ""
        return self._read

    def __int__(self) -> int:
        return int(str(self))

    def __float__(self) -> float:
        return float(str(self))

    def __bool__(self) -> bool:
        return bool(str(self))

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, str | KeyLookup) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))


def key_name(lookup: KeyLookup) -> str:
    """st2kv.system.a.b"""
    return f"st2kv.{lookup._scope}.{lookup._name}"


def key_lookups(keys: KeyValues, *, user: str | None) -> dict[str, KeyLookup]:
    """The value of `st2kv` in a template."""
    return {"system": KeyLookup(keys, "system", user), "user": KeyLookup(keys, "user", user)}
