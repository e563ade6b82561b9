"""Which addresses may be told of the end of an execution."""

from dataclasses import dataclass

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSettings:
    """Signed messages to the `callback_url` of a request, at the end of its execution."""

    hosts: list[str] = key(
        [],
        "Hosts that a callback_url may name, * for any characters: [ci.example.org, '*.hooks.example.org']. "
        "Empty: none. What http.blocked_networks holds is refused all the same.",
    )
    timeout_s: float = key(10.0, "Longest time of one delivery, in seconds.", at_least=0.1)
    keep_trying_h: float = key(24.0, "How long a delivery that fails is tried again, in hours.", at_least=0)
