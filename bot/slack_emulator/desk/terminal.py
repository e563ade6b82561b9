"""Our Slack as a program: a line to type on, and above it what the app says, as it comes."""

import contextlib
import sys
import threading
import time

from bot.slack_emulator.desk.drawing import Drawing, Numbers
from bot.slack_emulator.desk.person import Person
from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen

# What changes faster is drawn once.
_LOOK_S = 0.2


class Terminal:
    """`run` returns when the person leaves; without a terminal it serves until the process is ended."""

    def __init__(self, slack: Emulator, *, user: str, channel: str) -> None:
        self._slack = slack
        self._is_person = sys.stdin.isatty() and sys.stdout.isatty()
        self._drawing = Drawing(Numbers(), has_colour=self._is_person)
        self._person = Person(slack, self._drawing, user=user, channel=channel)
        self._person.say, self._person.ask = self._above, self._ask
        self._drawing.names = slack.names()
        self._line = ""
        self._writing = threading.RLock()
        self._stopping = threading.Event()
        self._shown: dict[str, list[str]] = {}

    def run(self) -> None:
        if self._is_person:
            with contextlib.suppress(ImportError):
                import readline  # noqa: PLC0415 - its import alone gives input() a history and editing

                readline.set_history_length(500)
        printer = threading.Thread(target=self._print, name="slack printer", daemon=True)
        printer.start()
        try:
            self._read()
        finally:
            self._stopping.set()
            printer.join(5)

    def _read(self) -> None:
        try:
            while self._person.line(self._ask(self._person.prompt)):
                pass
        except KeyboardInterrupt:
            self._above("")
        except EOFError:
            if not self._is_person:
                # Started in the background: who uses it comes over HTTP.
                self._stopping.wait()

    def _ask(self, prompt: str) -> str:
        self._line = prompt if self._is_person else ""
        try:
            return input(self._line)
        finally:
            self._line = ""

    # what comes

    def _print(self) -> None:
        version = -1
        while not self._stopping.is_set():
            if version == self._slack.version:
                self._slack.wait_for_change(version, 0.5)
                continue
            version = self._slack.version
            self._look()
            time.sleep(_LOOK_S)

    def _look(self) -> None:
        """Show everything that is new for the person, or says something else now."""
        self._drawing.names = self._slack.names()
        user = self._person.user
        for place in self._slack.places(user):
            for message in self._slack.messages(place):
                self._show(message)
        for message in self._slack.ephemerals(user):
            self._show(message)
        home = self._slack.home(user)
        if home is not None and self._person.home_shown not in ("", home.plain):
            self._person.show_home(home)

    def _show(self, message: Seen) -> None:
        thread_of = ""
        if message.thread_ts and message.thread_ts != message.ts:
            first = next(iter(self._slack.thread(message)), None)
            thread_of = self._drawing.words(first.text)[:40] if first else ""
        drawn = self._drawing.message(message, thread_of=thread_of)
        key = f"{message.ts} {self._person.user if message.only_for else ''}"
        if self._shown.get(key) != drawn:
            self._shown[key] = drawn
            self._above("\n".join(drawn))

    def _above(self, text: str) -> None:
        """Print over the line that is being typed, and draw that again."""
        with self._writing:
            if not self._line:
                sys.stdout.write(f"{text}\n")
            else:
                typed = ""
                with contextlib.suppress(ImportError):
                    import readline  # noqa: PLC0415 - as above

                    typed = readline.get_line_buffer()
                sys.stdout.write(f"\r\x1b[K{text}\n{self._line}{typed}")
            sys.stdout.flush()
