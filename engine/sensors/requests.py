"""What a sensor asks over its pipe: events to the one door for events, keys to the datastore."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from engine.errors import BadInput, EngineError, NotFound
from engine.records.datastore import DatastoreKey
from engine.records.trigger import Emitted, Event
from engine.sensors.log import SensorLog
from engine.store.datastore import Datastore

Submit = Callable[[Event], "Future[Emitted]"]
Answer = dict[str, Any]

_LONGEST_TEXT = 1024


class Refused(Exception):
    """The event is none that its trigger type knows: it is counted, and the sensor goes on."""


class SensorRequests:
    """Of one sensor; for its thread."""

    def __init__(self, ref: str, *, submit: Submit, datastore: Datastore, log: SensorLog) -> None:
        self.user = self.source = f"sensor:{ref}"
        self._submit = submit
        self._datastore = datastore
        self._log = log
        self._operations: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
            "user": self._user,
            "get": self._get,
            "list": self._list,
            "set": self._set,
            "delete": self._delete,
        }

    def submit(self, message: Mapping[str, Any]) -> "Future[Emitted]":
        """An event on its way. Raises Refused, or Busy when it must be tried again later."""
        try:
            event = Event(
                trigger=_text(message, "trigger"),
                payload=message.get("payload"),
                parameters=_parameters(message),
                source=self.source,
                trace_tag=_text(message, "trace_tag"),
                trace_id=_text(message, "trace_id"),
            )
            return self._submit(event)
        except (BadInput, NotFound) as error:
            raise Refused(str(error)) from error

    def answer(self, message: Mapping[str, Any]) -> Answer:
        """The answer to everything but an event; `error` says what was wrong."""
        operation = self._operations.get(str(message.get("op")))
        if operation is None:
            return {"error": f"the server knows no {message.get('op')!r}"}
        try:
            return operation(message)
        except EngineError as error:
            return {"error": str(error)}

    def _user(self, _message: Mapping[str, Any]) -> Answer:
        user = {
            "username": self.user,
            "authentication": {"method": "pipe", "location": "pipe"},
            "rbac": {"enabled": False, "roles": [], "is_admin": True},
        }
        return {"user": user}

    def _get(self, message: Mapping[str, Any]) -> Answer:
        decrypt = message.get("decrypt") is True
        key = self._datastore.read("system", _text(message, "name"), decrypt=decrypt)
        if key is not None and key.secret and decrypt:
            # From now on it must not be seen in what the sensor says.
            self._log.hide([key.value])
        return {"value": None if key is None else key.value}

    def _list(self, message: Mapping[str, Any]) -> Answer:
        keys = self._datastore.keys("system", prefix=_text(message, "prefix"))
        return {"keys": [_document(key) for key in keys]}

    def _set(self, message: Mapping[str, Any]) -> Answer:
        ttl = message.get("ttl")
        if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float) or ttl <= 0):
            raise BadInput(f"ttl must be a number of seconds, not {ttl!r}.")
        is_secret = message.get("encrypt") is True
        if is_secret:
            self._log.hide([str(message.get("value"))])
        self._datastore.put(
            "system", _text(message, "name"), str(message.get("value")), secret=is_secret, ttl_s=ttl
        )
        return {}

    def _delete(self, message: Mapping[str, Any]) -> Answer:
        return {"existed": self._datastore.remove("system", _text(message, "name"))}


def log_level(message: Mapping[str, Any]) -> int:
    """Of a log record: one of logging's own levels."""
    level = message.get("level")
    if not isinstance(level, int):
        return logging.INFO
    return max(logging.DEBUG, min(logging.CRITICAL, level // 10 * 10))


def _text(message: Mapping[str, Any], name: str) -> str:
    value = str(message.get(name) or "")
    if len(value) > _LONGEST_TEXT:
        raise BadInput(f"The {name} of a sensor's request has more than {_LONGEST_TEXT} characters.")
    return value


def _parameters(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    given = message.get("parameters")
    if given is not None and not isinstance(given, dict):
        raise BadInput(f"The parameters of a trigger must be an object, not {given!r}.")
    return given or None


def _document(key: DatastoreKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "value": key.value,
        "secret": key.secret,
        "encrypted": key.encrypted,
        "scope": "st2kv.system",
    }
