"""What a sensor gets as `sensor_service`: dispatch, the datastore and loggers, over its pipe."""

import json
import logging

from _stormcrow import result_json
from _stormcrow.action_service import DatastoreService, KeyValue, check_scope
from _stormcrow.sensor_channel import Refused, TooLarge

LONGEST_LOG_TEXT = 16384


class SensorDatastore(DatastoreService):
    """Keys of the datastore; with `local`, those of this sensor only."""

    def __init__(self, channel, ref, logger):
        super().__init__("", "", logger)
        self._prefix = "%s:" % ref
        self._channel = channel

    def get_user_info(self):
        return self._channel.ask({"op": "user"})["user"]

    def list_values(self, local=True, prefix=None, limit=None, offset=0):
        """Keys as objects with `name` (in full) and `value`."""
        question = {"op": "list", "prefix": _text(self._full_name(prefix or "", local))}
        documents = self._channel.ask(question)["keys"]
        begin = offset or 0
        return [KeyValue(one) for one in documents[begin : begin + limit if limit else None]]

    def get_value(self, name, local=True, scope="system", decrypt=False):
        """The value, text; None where there is none, and where it cannot be read."""
        check_scope(scope)
        question = {"op": "get", "name": _text(self._full_name(name, local)), "decrypt": bool(decrypt)}
        try:
            return self._channel.ask(question)["value"]
        except Refused as refusal:
            self._logger.warning("The key %s was not read: %s", name, refusal)
            return None

    def set_value(self, name, value, ttl=None, local=True, scope="system", encrypt=False):  # noqa: PLR0917  (StackStorm's signature)
        """Store `str(value)`; `ttl` in seconds. True once it is committed. Raises ValueError."""
        check_scope(scope)
        question = {"op": "set", "name": _text(self._full_name(name, local)), "value": _text(value)}
        question.update(ttl=ttl or None, encrypt=bool(encrypt))
        try:
            self._channel.ask(question)
        except (Refused, TooLarge) as refusal:
            raise ValueError("The key %s was not stored: %s" % (name, refusal)) from None
        return True

    def delete_value(self, name, local=True, scope="system"):
        """True when there was such a key."""
        check_scope(scope)
        return self._channel.ask({"op": "delete", "name": _text(self._full_name(name, local))})["existed"]


class SensorService:
    """`dispatch` returns once the event is committed: what it was told of is then not lost any more."""

    def __init__(self, channel, ref, class_name):
        self._channel = channel
        self._class_name = class_name
        self._logger = self.get_logger("sensor_service")
        self._datastore_service = SensorDatastore(channel, ref, self._logger)

    @property
    def datastore_service(self):
        return self._datastore_service

    def get_logger(self, name):
        logger = logging.getLogger("%s.%s" % (self._class_name, name))
        # Packs call the old name, which warns on newer Pythons.
        logger.warn = logger.warning
        return logger

    # triggers

    def dispatch(self, trigger, payload=None, trace_tag=None):
        """`trigger`: the reference of a trigger type, or of one trigger that add_trigger was given;
        or that trigger itself.

        A payload that does not fit the type's schema, or an unknown trigger, is logged and counted
        by the server, and nothing is raised, as in StackStorm.
        """
        self.dispatch_with_context(trigger, payload, {"trace_tag": trace_tag} if trace_tag else None)

    def dispatch_with_context(self, trigger, payload=None, trace_context=None):
        """`trace_context`: {"trace_tag": a name} or {"id_": an existing trace}."""
        self._dispatch([_event(trigger, payload, _trace(trace_context))])

    def dispatch_many(self, trigger, payloads, trace_tag=None):
        """Ours: one event per payload, in this order; they share commits, which is much faster."""
        trace = _trace({"trace_tag": trace_tag} if trace_tag else None)
        self._dispatch([_event(trigger, payload, trace) for payload in payloads])

    def _dispatch(self, events):
        try:
            self._channel.ask_all(events)
        except TooLarge as error:
            if len(events) > 1:
                for event in events:
                    self._dispatch([event])
                return
            refused = {"op": "refused", "trigger": events[0]["trigger"], "reason": str(error)}
            self._channel.tell(refused)

    # the datastore

    def get_user_info(self):
        return self._datastore_service.get_user_info()

    def list_values(self, local=True, prefix=None):
        return self._datastore_service.list_values(local=local, prefix=prefix)

    def get_value(self, name, local=True, scope="system", decrypt=False):
        return self._datastore_service.get_value(name, local=local, scope=scope, decrypt=decrypt)

    def set_value(self, name, value, ttl=None, local=True, scope="system", encrypt=False):  # noqa: PLR0917  (StackStorm's signature)
        return self._datastore_service.set_value(
            name, value, ttl=ttl, local=local, scope=scope, encrypt=encrypt
        )

    def delete_value(self, name, local=True, scope="system"):
        return self._datastore_service.delete_value(name, local=local, scope=scope)


class PipeHandler(logging.Handler):
    """Log records to the server. Without a lock: the pipe has its own, and a library that replaces
    locks would replace this one under us."""

    def __init__(self, channel):
        super().__init__()
        self._channel = channel

    def createLock(self):  # noqa: N802  (logging's name)
        self.lock = None

    def handle(self, record):
        if self.filter(record):
            self.emit(record)
        return True

    def emit(self, record):
        try:
            text = self.format(record)
        except Exception as error:
            text = "%s (cannot be formatted: %s)" % (record.msg, error)
        text = text.encode("utf-8", "backslashreplace").decode()[:LONGEST_LOG_TEXT]
        self._channel.tell({"op": "log", "level": record.levelno, "logger": record.name, "text": text})


def _event(trigger, payload, trace):
    event = {"op": "dispatch", "payload": _json_value(payload)}
    event.update(_named(trigger), **trace)
    return event


def _named(trigger):
    """A trigger by its reference, or as a dict: one that add_trigger was given, or name and pack."""
    if not isinstance(trigger, dict):
        return {"trigger": _text(trigger)}
    if trigger.get("ref"):
        return {"trigger": _text(trigger["ref"])}
    if trigger.get("type"):
        return {"trigger": _text(trigger["type"]), "parameters": _json_value(trigger.get("parameters"))}
    return {"trigger": _text("%s.%s" % (trigger.get("pack"), trigger.get("name")))}


def _trace(context):
    """From StackStorm's trace_context, a dict or an object, to what goes over the pipe."""
    if context is None:
        return {}
    given = context if isinstance(context, dict) else vars(context)
    tag, trace_id = given.get("trace_tag"), given.get("id_") or given.get("id")
    found = {"trace_tag": str(tag)} if tag else {}
    if trace_id:
        found["trace_id"] = str(trace_id)
    return found


def _json_value(payload):
    """`payload` with what has no JSON form as text: bytes, sets, objects of libraries."""
    payload = {} if payload is None else payload
    try:
        return json.loads(result_json.encode(payload))
    except (result_json.NotSerialisable, RecursionError):
        return _lenient(payload, 0)


def _lenient(value, depth):
    if depth < result_json.DEEPEST:
        if isinstance(value, dict):
            return {_text(key): _lenient(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [_lenient(item, depth + 1) for item in value]
        if isinstance(value, (bytes, bytearray)):
            return bytes(value).decode("utf-8", "backslashreplace")
        try:
            return json.loads(result_json.encode(value))
        except result_json.NotSerialisable:
            pass
    return _text(value)


def _text(value):
    return str(value).encode("utf-8", "backslashreplace").decode()
