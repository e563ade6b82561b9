"""The state machine of an execution: the 14 words of StackStorm and the steps between them.

    requested -> scheduled -> running -> succeeded | failed | timeout | abandoned
        |            |           |
        +- delayed --+           +-> canceling -> canceled
                                 +-> pausing -> paused -> resuming -> running
                                 +-> pending (an inquiry waits for its answer)

Two steps go back: `scheduled` and `running` to `requested`, taken only by recovery after a
crash, and only with proof that the action never started. What waits is `abandoned` only when
the database was restored from a backup: it may have run since.
"""

from enum import StrEnum
from types import MappingProxyType

from engine.errors import IllegalTransition


class Status(StrEnum):
    REQUESTED = "requested"
    DELAYED = "delayed"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMEOUT = "timeout"
    ABANDONED = "abandoned"
    CANCELING = "canceling"
    CANCELED = "canceled"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    PENDING = "pending"


S = Status
FINISHED = frozenset({S.SUCCEEDED, S.FAILED, S.TIMEOUT, S.CANCELED, S.ABANDONED})
FAILURES = frozenset({S.FAILED, S.TIMEOUT, S.ABANDONED})
# StackStorm refuses to cancel what is `pending`; an inquiry is answered or expires.
CANCELABLE = frozenset({S.REQUESTED, S.SCHEDULED, S.DELAYED, S.RUNNING, S.PAUSING, S.PAUSED, S.RESUMING})
# What a worker holds: after a crash these are looked after by recovery.
HELD = frozenset({S.SCHEDULED, S.RUNNING, S.CANCELING, S.PAUSING, S.RESUMING})

_ENDS = frozenset({S.SUCCEEDED, S.FAILED, S.TIMEOUT, S.ABANDONED})

TRANSITIONS: MappingProxyType[Status, frozenset[Status]] = MappingProxyType(
    {
        S.REQUESTED: frozenset({S.DELAYED, S.SCHEDULED, S.CANCELED, S.FAILED, S.ABANDONED}),
        S.DELAYED: frozenset({S.REQUESTED, S.SCHEDULED, S.CANCELED, S.FAILED, S.ABANDONED}),
        S.SCHEDULED: frozenset({S.REQUESTED, S.RUNNING, S.DELAYED, S.CANCELING, S.CANCELED}) | _ENDS,
        S.RUNNING: frozenset({S.REQUESTED, S.CANCELING, S.CANCELED, S.PAUSING, S.PAUSED, S.PENDING}) | _ENDS,
        S.CANCELING: frozenset({S.CANCELED, S.ABANDONED}),
        S.PAUSING: frozenset({S.PAUSED, S.RESUMING, S.CANCELING, S.CANCELED}) | _ENDS,
        S.PAUSED: frozenset({S.RESUMING, S.CANCELING, S.CANCELED}) | _ENDS,
        S.RESUMING: frozenset({S.RUNNING, S.PAUSING, S.PAUSED, S.CANCELING, S.CANCELED}) | _ENDS,
        S.PENDING: frozenset({S.SUCCEEDED, S.FAILED, S.TIMEOUT, S.CANCELED}),
        S.SUCCEEDED: frozenset(),
        S.FAILED: frozenset(),
        S.TIMEOUT: frozenset(),
        S.ABANDONED: frozenset(),
        S.CANCELED: frozenset(),
    }
)


def advance(current: Status, wanted: Status) -> Status:
    """`wanted`, when the step is legal.

    Raises IllegalTransition otherwise, also when both are the same: a second writer is told
    that it came too late.
    """
    if wanted not in TRANSITIONS[current]:
        raise IllegalTransition(f"An execution that is {current} cannot become {wanted}.")
    return wanted
