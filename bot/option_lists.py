"""What may be chosen in a form, read by actions: the key `x-options` of a parameter.

    version: {type: string, x-options: registry.versions}
    host: {type: string, x-options: {action: inventory.hosts, parameters: {env: prod}, from: names}}

The action runs as the person who is asked, at the place where they are. Where it fails, or takes too long,
the field takes any text.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from bot.asked import Asked
from engine.aliases.command_forms import OPTIONS_KEY as PARAMETER_KEY
from engine.aliases.command_forms import CommandForm
from engine.errors import EngineError
from engine.records.execution import Execution
from engine.rights.place import OPTIONS_KEY
from engine.service import Engine, ExecutionRequest
from engine.status import Status

# A person waits for the form; what comes later is left out.
LONGEST_S = 5.0
_MOST = 100
_LONGEST = 200
# Where a result keeps what its action gave, if the parameter does not say.
_PLACES = ("result", "options", "stdout", "body")


def options_of(engine: Engine, form: CommandForm, asked: Asked) -> dict[str, list[str]]:
    """Parameter -> what may be chosen, of those whose action has answered in time."""
    started: dict[str, tuple[Execution, str]] = {}
    for name, schema in form.properties.items():
        wanted = _Wanted.of(schema)
        if wanted is None:
            continue
        request = ExecutionRequest(
            action=wanted.action,
            parameters=wanted.parameters,
            user=asked.identity.user,
            context={
                "api_user": asked.identity.chat_user,
                OPTIONS_KEY: {
                    "what": f"{form.alias.ref}.{name}",
                    "adapter": asked.message.adapter,
                    "channel": asked.message.channel,
                },
            },
            idempotency_key=f"{asked.idempotency_key}:options:{name}",
        )
        try:
            started[name] = (engine.request(request), wanted.source)
        except EngineError:
            continue
    until = time.monotonic() + LONGEST_S
    found: dict[str, list[str]] = {}
    for name, (execution, source) in started.items():
        ended = engine.wait(execution.id, timeout_s=max(0.0, until - time.monotonic()))
        if ended.status is Status.SUCCEEDED:
            found[name] = list(dict.fromkeys(_texts(ended.result, source)))[:_MOST]
    return {name: options for name, options in found.items() if options}


class _Wanted:
    """What the key says."""

    def __init__(self, action: str, parameters: Mapping[str, Any], source: str) -> None:
        self.action = action
        self.parameters = parameters
        self.source = source

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> "_Wanted | None":
        written = schema.get(PARAMETER_KEY)
        if isinstance(written, str):
            return cls(written, {}, "")
        if not isinstance(written, Mapping) or not isinstance(written.get("action"), str):
            return None
        parameters = written.get("parameters")
        given = parameters if isinstance(parameters, Mapping) else {}
        return cls(written["action"], dict(given), str(written.get("from") or ""))


def _texts(value: Any, source: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        places = (source,) if source else _PLACES
        inner = next((value[place] for place in places if value.get(place) not in (None, "")), None)
        # The name that is looked for may be one level down, in what a Python action returned.
        if inner is None and source and isinstance(value.get("result"), Mapping):
            inner = value["result"].get(source)
        if inner is not None:
            yield from _texts(inner, "")
        return
    if isinstance(value, str):
        value = value.splitlines()
    for one in value if isinstance(value, list) else ():
        text = one.get("value", one.get("name")) if isinstance(one, Mapping) else one
        if isinstance(text, str | int | float) and not isinstance(text, bool):
            shown = str(text).strip()
            if shown and len(shown) <= _LONGEST:
                yield shown
