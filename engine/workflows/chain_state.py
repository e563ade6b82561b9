"""The state of one action chain: changed by small operations only, which are what is stored.

    vars     values, is_published        set at the start, or by a task
    call     name, execution, at         a task is requested
    turn     status, result, at          the last task has this status
    next     name                        the task that follows; empty: none
    status   word, is_wanted             of the chain; whether somebody wants it to rest
    error    text                        what ended it before, or between, its tasks

Times are ISO texts.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson


@dataclass(slots=True)
class Ran:
    """A task that was requested."""

    name: str
    execution_id: str
    created_at: str
    updated_at: str
    status: str = "requested"
    result: Any = None


@dataclass(slots=True)
class ChainState:
    status: str = ""
    is_pause_wanted: bool = False
    error: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    published: dict[str, Any] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)
    next: str = ""
    ops: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def active(self) -> Ran | None:
        """The task whose end is awaited."""
        last = self.ran[-1] if self.ran else None
        return last if last is not None and last.status not in _ENDED else None

    def apply(self, *op: Any) -> None:
        self.ops.append(op)
        self._do(op)

    def replay(self, ops: Sequence[Sequence[Any]]) -> None:
        for op in ops:
            self._do(op)

    def taken(self) -> bytes:
        """The operations since the last call; empty when nothing has changed."""
        ops, self.ops = self.ops, []
        return orjson.dumps(ops, option=orjson.OPT_NON_STR_KEYS, default=str) if ops else b""

    def dump(self) -> bytes:
        fields = {name: value for name, value in asdict(self).items() if name != "ops"}
        return orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS, default=str)

    @classmethod
    def restore(cls, data: bytes) -> "ChainState":
        fields = orjson.loads(data)
        return cls(**{**fields, "ran": [Ran(**one) for one in fields["ran"]]})

    def _do(self, op: Sequence[Any]) -> None:
        getattr(self, f"_{op[0]}")(*op[1:])

    def _vars(self, values: dict[str, Any], is_published: bool) -> None:
        self.variables.update(values)
        if is_published:
            self.published.update(values)

    def _call(self, name: str, execution_id: str, at: str) -> None:
        self.ran.append(Ran(name, execution_id, at, at))
        self.next = ""

    def _turn(self, status: str, result: Any, at: str) -> None:
        last = self.ran[-1]
        last.status, last.result, last.updated_at = status, result, at

    def _next(self, name: str) -> None:
        self.next = name

    def _status(self, status: str, is_pause_wanted: bool) -> None:
        self.status, self.is_pause_wanted = status, is_pause_wanted

    def _error(self, text: str) -> None:
        self.error = text


_ENDED = frozenset({"succeeded", "failed", "timeout", "abandoned", "canceled"})
