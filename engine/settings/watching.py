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
