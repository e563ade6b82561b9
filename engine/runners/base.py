"""What every runner takes and gives, and its contract in prose.

A runner works on one request and returns one result. It knows no database and no registry, so
it can be tried alone. It may be called from many threads at once.

- It reports output through `control.output` as it comes, and puts it into the result too.
- It watches `control.cancelled`: when that is set the work really stops, and the result's
  status is CANCELED.
- What goes wrong inside the action is a result (FAILED, TIMEOUT). RunnerFailure is raised only
  when the action could not be started or carried on; dispatch turns it into FAILED.
- A runner whose work goes on without the server (`survives = True`) can `adopt` it later.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.errors import EngineError
from engine.expressions.masking import ValueMasker
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.status import Status

OutputKind = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One attempt to run one action, with everything the runner needs."""

    execution_id: str
    """24 hexadecimal characters; also the name of the attempt in the spool."""
    attempt: int = 1
    action: ActionSpec
    pack: PackSpec
    runner_parameters: Mapping[str, Any]
    """Final: rendered, cast, defaults filled in."""
    action_parameters: Mapping[str, Any]
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """ST2_ACTION_* and ST2_* variables of this run, token included."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The pack's configuration, rendered, secrets in clear."""
    secrets: tuple[str, ...] = ()
    """Values that must not be seen: never in argv, masked in output and result."""
    masker: ValueMasker = field(init=False)
    """Hides them; it learns of more while the action runs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "masker", ValueMasker(self.secrets))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    status: Status
    result: Any
    """JSON-able, in StackStorm's shape for the runner."""
    clear: Any = None
    """What `result` was before something in it was hidden, for the workflow whose task it is; None: nothing
    was hidden."""
    secrets: tuple[str, ...] = ()
    """What was hidden."""
    rejected_by: str = ""
    """Of a workflow: the inquiry whose "no" is why it failed; empty: it failed of something else."""


@dataclass(slots=True, kw_only=True)
class RunControl:
    """The way back and forth between dispatch and a running action."""

    output: Callable[[OutputKind, str], None] = lambda _kind, _text: None
    """Takes output as it comes, masked already where the runner reads it, whole lines as a rule."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    on_cancel: list[Callable[[], None]] = field(default_factory=list)
    """Called once when `cancelled` is set, from the thread that cancels; must return quickly."""

    def cancel(self) -> None:
        self.cancelled.set()
        for call in list(self.on_cancel):
            call()


class LetGo(EngineError):
    """Raised by run() and adopt() of a runner that survives when it is closed under them.

    The action goes on; leave its execution as it is, and adopt it with the next start.
    """


class Runner(ABC):
    """One kind of runner; made once per server and name."""

    survives = False
    has_effects = True
    """False: what a crash cut off may simply be started again."""

    def __init__(self, settings: Settings) -> None:
        """What it keeps of the settings is the runner's own business."""

    @abstractmethod
    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        """Blocks until the action has ended. Raises RunnerFailure."""

    def adopt(self, request: RunRequest, control: RunControl) -> RunResult | None:
        """Take over what an earlier server started; only where `survives`.

        Blocks until it has ended. None: there is proof that it was never started.
        A result with status ABANDONED: it was started, and its end cannot be known.
        """
        raise NotImplementedError

    def forget(self, request: RunRequest) -> None:
        """The result of `request` is committed: drop what was kept so that it could be adopted."""
        return

    def close(self) -> None:
        """Let go of connections and helpers; what survives goes on."""
