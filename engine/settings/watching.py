"""How the server is watched: who may look, and how much is said."""

from dataclasses import dataclass
from typing import Literal

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """What makes `/readyz` say no."""

    chats: bool = key(True, "A chat that is not connected; false: it is only told.")
    disk_free_mb: float = key(200.0, "Less free space than this for the data folder, in megabytes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """What is said of the audit's chain outside of the database."""

    head_every_h: float = key(
        24.0,
        "How often, in hours, and at each start, the log tells the head of the chain, for a log that is "
        "kept on another machine: whoever rewrites the chain does not match it; 0: never.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingSettings:
    """Traces for a collector of OpenTelemetry; needs the extra `otel`."""

    endpoint: str = key(
        "",
        "Where the collector takes traces by OTLP/HTTP, for example http://127.0.0.1:4318/v1/traces; "
        "empty: off.",
    )
    headers: dict[str, str] = key(
        {}, "Headers that the collector asks for, for example {Authorization: Bearer ...}.", secret=True
    )
    service: str = key("stormcrow", "The name of this service in traces.")
    sample: float = key(
        1.0,
        "Share of the traces that is recorded, of those that begin with us; of others their caller decides.",
        at_most=1,
    )
    queue_limit: int = key(
        2048, "Spans that wait for the collector; more are dropped, and counted.", at_least=1
    )
    delay_s: float = key(5.0, "How long spans are collected before they are sent, in seconds.", at_least=0.01)
    timeout_s: float = key(10.0, "How long the collector may take for an answer, in seconds.", at_least=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """What is measured, and who may see it: `/metrics`, and the details of `/healthz` and `/readyz`."""

    access: Literal["loopback", "key", "open"] = key(
        "loopback",
        "loopback: programs on this machine, and keys with the right metrics_view; key: only such keys; "
        "open: everybody who reaches the port.",
    )
    label_limit: int = key(
        200,
        "How many actions, rules, trigger types, hooks and sensors get series of their own, each; "
        "those that come later are counted together as `other`.",
        at_least=1,
    )
