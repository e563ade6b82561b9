"""Plays a transcript: does what people do, and waits until what is expected has come."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from bot.sim import deliveries
from bot.sim.chats import CannotBe, Chat, Heard, Spot
from bot.sim.patterns import filled, pattern_of
from bot.sim.site import Site
from bot.sim.told import Failure, not_said, said_too_often
from bot.sim.transcript import (
    HERE,
    Expects,
    Fills,
    Kills,
    Posts,
    Presses,
    Runs,
    Says,
    Stands,
    Starts,
    Step,
    Transcript,
)
from engine.errors import BadContent, EngineError

PATIENCE_S = 30.0
"""How long what is expected may take."""
_PAUSE_S = 0.05


class Player:
    """One transcript in one chat, once."""

    def __init__(
        self,
        transcript: Transcript,
        chat: Chat,
        *,
        site: Site | None = None,
        folder: Path | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`site`: None where the server is not ours, and cannot be killed. `folder`: where its files are."""
        self._transcript = transcript
        self._chat = chat
        self._site = site
        self._folder = folder or Path()
        self._patience_s = patience_s
        self._values: dict[str, str] = {}
        self._channel = HERE
        self._found: Heard | None = None
        # Each expected line -> the messages that have answered it: said again, it must be another one.
        self._used: dict[str, set[str]] = {}
        self._printed: list[Heard] = []
        self._later: list[Expects] = []
        self._act: Step | None = None

    def play(self) -> Failure | None:
        """What went otherwise than it is written; None: nothing. Raises BadContent for what cannot be."""
        for step in self._transcript.steps:
            failure = self._taken(step)
            if failure is not None:
                return failure
        for expected in self._later:
            failure = self._counted(expected)
            if failure is not None:
                return failure
        return None

    def _taken(self, step: Step) -> Failure | None:
        if not isinstance(step, Expects):
            self._act = step
        try:
            if isinstance(step, Says | Presses | Fills | Stands):
                return self._done(step)
            if isinstance(step, Expects):
                return self._expect(step)
            if isinstance(step, Posts):
                return self._post(step)
            return self._run(step) if isinstance(step, Runs) else self._switch(step)
        except CannotBe as error:
            raise BadContent(error.message, hint=error.hint, where=self._transcript.where(step)) from error

    # what people do

    def _done(self, step: Says | Presses | Fills | Stands) -> Failure | None:
        if isinstance(step, Stands):
            self._chat.join(step.who, step.standing)
            return None
        self._chat.join(step.who)
        if isinstance(step, Presses):
            return self._press(step)
        if isinstance(step, Fills):
            return self._fill(step)
        self._say(step)
        return None

    def _say(self, step: Says) -> None:
        if step.place.startswith("#"):
            self._channel = step.place
        spot = Spot(channel="" if step.place == "private" else self._channel)
        if step.place == "thread":
            if self._found is None:
                raise CannotBe("No line above has found a message whose thread this could be.")
            spot = Spot(
                channel=self._found.channel or self._channel, thread=self._found.thread or self._found.id
            )
        self._chat.say(step.who, filled(step.words, self._values), spot)

    def _press(self, step: Presses) -> Failure | None:
        def pressed() -> bool:
            shown = [one for one in self._chat.heard() if step.label in one.buttons]
            if not shown:
                return False
            self._chat.press(step.who, shown[-1], step.label, filled(step.words, self._values))
            return True

        return None if self._comes_true(pressed) else self._failure(step, f"[{step.label}]")

    def _fill(self, step: Fills) -> Failure | None:
        values = {name: filled(value, self._values) for name, value in step.values}
        is_sent = self._comes_true(lambda: self._chat.fill(step.who, values))
        return None if is_sent else Failure(step=step, text="There is no form to fill in.")

    # what happens around it

    def _switch(self, step: Kills | Starts) -> Failure | None:
        site = self._own_site()
        if isinstance(step, Kills):
            site.kill()
            return None
        if site.is_up:
            raise CannotBe("The server runs already.", hint="Kill it first: kill -9")
        try:
            site.start()
        except EngineError as error:
            return Failure(step=step, text=str(error))
        return None

    def _post(self, step: Posts) -> Failure | None:
        try:
            body = (self._folder / step.file).read_bytes()
        except OSError as error:
            raise CannotBe(f"{step.file} cannot be read: {error.strerror}.") from error
        try:
            status, text = deliveries.posted(self._own_site(), step.webhook, body, is_signed=step.is_signed)
        except OSError as error:
            return Failure(step=step, text=f"The webhook is not there: {error}")
        if status == step.status or (not step.status and status < 300):
            return None
        wanted = str(step.status) if step.status else "a status below 300"
        return Failure(step=step, text=f"Wanted was {wanted}; the server answered {status}: {text[:1000]}")

    def _run(self, step: Runs) -> Failure | None:
        command = filled(step.command, self._values)
        printed = self._own_site().run(command, folder=self._folder)
        self._printed.append(Heard(id=f"printed-{step.number}", text=printed.text))
        if printed.code == 0:
            return None
        return Failure(
            step=step, text=f"The command ended with exit code {printed.code}:\n{printed.text[-3000:]}"
        )

    def _own_site(self) -> Site:
        if self._site is None:
            raise CannotBe("This server is not the transcript's own.")
        return self._site

    # what is expected

    def _expect(self, step: Expects) -> Failure | None:
        if self._chat.name in step.not_on:
            return None
        if step.how_often:
            self._later.append(step)
        if step.how_often == "never":
            return self._counted(step)
        if not self._comes_true(lambda: self._is_found(step)):
            return self._failure(step, step.words)
        return self._counted(step) if step.how_often else None

    def _is_found(self, step: Expects) -> bool:
        pattern = pattern_of(step.words, self._values)
        used = set() if step.how_often else self._used.setdefault(pattern.pattern, set())
        for one in reversed(self._candidates(step)):
            found = None if one.id in used else _match(pattern, one)
            if found is not None:
                used.add(one.id)
                self._values |= found.groupdict()
                self._found = one
                return True
        return False

    def _counted(self, step: Expects) -> Failure | None:
        pattern = pattern_of(step.words, self._values)
        found = [one for one in self._candidates(step) if _match(pattern, one)]
        most = 1 if step.how_often == "once" else 0
        return None if len(found) <= most else said_too_often(step, found)

    def _candidates(self, step: Expects) -> list[Heard]:
        everything = [*self._printed, *self._chat.heard()]
        return [one for one in everything if _fits(step, one)]

    def _failure(self, step: Step, words: str) -> Failure:
        return not_said(
            step, words, [*self._printed, *self._chat.heard()], act=self._act, patience_s=self._patience_s
        )

    def _comes_true(self, is_so: Callable[[], bool]) -> bool:
        give_up_at = time.monotonic() + self._patience_s
        while not is_so():
            if time.monotonic() > give_up_at:
                return False
            time.sleep(_PAUSE_S)
        return True


def _fits(step: Expects, one: Heard) -> bool:
    if step.channel and one.channel != step.channel:
        return False
    if step.only_for and one.only_for != step.only_for:
        return False
    return bool(one.thread) or not step.is_in_thread


def _match(pattern: re.Pattern[str], one: Heard) -> re.Match[str] | None:
    found = pattern.search(" ".join(one.text.split()))
    if found is not None and one.begins_in is not None and found.start() > one.begins_in:
        return None
    return found
