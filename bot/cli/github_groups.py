"""Tasks that run side by side as groups of GitHub's log, of which one at a time is open."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.cli.tasks import Task


@dataclass(frozen=True, slots=True)
class Step:
    """What is written next: output as it came, a line of ours, or a command to GitHub."""

    text: str
    is_line: bool = False
    is_command: bool = False


@dataclass(slots=True)
class _Held:
    """A task whose group is not open."""

    task: Task
    texts: list[str] = field(default_factory=list)
    has_ended: bool = False


class Groups:
    """Each method gives what is to be written then."""

    def __init__(self) -> None:
        self._open: Task | None = None
        # By id, in the order in which they began.
        self._held: dict[str, _Held] = {}

    def begin(self, task: Task) -> Iterator[Step]:
        if self._open is None:
            yield from self._opened(task)
        elif task.id != self._open.id:
            self._held.setdefault(task.id, _Held(task))

    def output(self, task: Task, text: str) -> Iterator[Step]:
        if self._open is None:
            yield from self._opened(task)
        if self._open is not None and self._open.id == task.id:
            yield Step(text)
        else:
            self._held.setdefault(task.id, _Held(task)).texts.append(text)

    def end(self, task: Task) -> Iterator[Step]:
        if self._open is not None and self._open.id != task.id:
            held = self._held.setdefault(task.id, _Held(task))
            held.task, held.has_ended = task, True
            return
        if self._open is not None:
            yield Step("::endgroup::", is_command=True)
            self._open = None
        yield from _ending(task)
        yield from self._next()

    def close(self) -> Iterator[Step]:
        """The follower has stopped: all that is held is shown."""
        if self._open is not None:
            yield Step("::endgroup::", is_command=True)
            self._open = None
        for held in self._held.values():
            held.has_ended = True
        yield from self._next(is_last=True)

    def _next(self, *, is_last: bool = False) -> Iterator[Step]:
        """Those that ended meanwhile, whole; then the oldest one that runs is open."""
        for key in [key for key, held in self._held.items() if held.has_ended]:
            held = self._held.pop(key)
            if held.texts:
                yield from self._opened(held.task, held.texts)
                yield Step("::endgroup::", is_command=True)
                self._open = None
            if not is_last or held.task.elapsed_s is not None:
                yield from _ending(held.task)
        if self._held:
            held = self._held.pop(next(iter(self._held)))
            yield from self._opened(held.task, held.texts)

    def _opened(self, task: Task, texts: list[str] | None = None) -> Iterator[Step]:
        self._open = task
        yield Step(f"::group::{_data(f'{task.name}  {task.action}')}", is_command=True)
        for text in texts or []:
            yield Step(text)


def _ending(task: Task) -> Iterator[Step]:
    said = task.ending(task.status)
    yield Step(said, is_line=True)
    # Of a workflow the task says it that failed.
    if task.has_failed and task.prints:
        yield Step(command("error", said, title=f"{task.name} {task.status}"), is_command=True)


def command(name: str, message: str, **properties: str) -> str:
    """`::error title=...::message`, in which nothing ends the line or the property."""
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name}{' ' + given if given else ''}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
