"""A real IRC server as the stage of a transcript: lines only, and words in the place of buttons and forms."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml

from bot.sim.chats import CannotBe, Heard, Spot
from bot.sim.irc_network import BOT, Network, Person, until
from bot.sim.transcript import Transcript, channels_in, people_in, standings_in

_NETWORK = "irc"
# A message of the bot is some lines; so many are looked at from each on.
_LINES = 14
# Between the parts of a line, and behind the name of a field: elsewhere these are lines and columns.
_BETWEEN = " · "
_FIELD = re.compile(r"^((?:[a-z][\w -]{0,30}: )?[a-z][\w -]{0,30}): ")
# What buttons say where a yes is no approval.
_ALSO: Mapping[str, str] = MappingProxyType({"Approve": "Yes", "Reject": "No"})
_ENDED = "approved|rejected|answered|expired|timed out|cancelled"


class IrcChat:
    """`start` it before the server, which is told where it is by `settings`."""

    name = "irc"

    def __init__(self, transcript: Transcript, channels: Sequence[str], *, prefix: str) -> None:
        """`channels`: those that are there besides the ones in the transcript."""
        if standings_in(transcript):
            raise CannotBe("On IRC there are no guests, strangers or bots.")
        self._transcript = transcript
        self._channels = sorted({*channels_in(transcript), *channels})
        self._prefix = prefix
        self._people: dict[str, Person] = {}
        self._network: Network | None = None

    def start(self, folder: Path) -> None:
        """Raises CannotBe; `close` it then too."""
        self._folder = folder
        self._network = network = Network(folder)
        self._port = network.port
        for who in ("witness", *people_in(self._transcript)):
            self._people[who] = Person(network, who, self._channels)
            network.log_in(self._people[who])

    def close(self) -> None:
        for person in self._people.values():
            person.client.close()
        if self._network is not None:
            self._network.close()

    def settings(self, linked: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """STORMCROW_ variables, without that word. `linked`: the accounts that the site itself links."""
        network = {
            "backend": "irc",
            "server": "127.0.0.1",
            "port": self._port,
            "tls": False,
            "nickname": BOT,
            "channels": self._channels,
            "lines_per_s": 100,
            "repeat_after_s": 2.0,
        }
        file = self._folder / "irc.yaml"
        file.write_text(yaml.safe_dump(network), encoding="utf-8")
        accounts = {who: [*linked.get(who, ()), f"{_NETWORK}.irc.{who}"] for who in self._people}
        return {
            "CHAT__WEB": "false",
            "ERRBOT__NETWORKS": json.dumps({_NETWORK: str(file)}),
            "PEOPLE__LINKED": json.dumps({**linked, **accounts}),
        }

    # what people do

    def join(self, who: str, standing: str = "") -> None:
        """Everybody is there from the beginning."""

    def say(self, who: str, words: str, spot: Spot) -> None:
        """As soon as the bot is there to hear it: an IRC server keeps nothing for it."""
        person = self._people[who]
        channel = spot.channel or self._channels[0]
        until(lambda: person.is_there(channel), f"The bot was not in {channel}")
        person.say(spot.channel or BOT, words)

    def press(self, who: str, heard: Heard, label: str, words: str) -> None:
        person = self._people[who if heard.only_for else "witness"]
        number = int(heard.id.rpartition("/")[2])
        line = self._lines(person, heard.channel)[number]
        command = next(command for name, command in self._ways(line) if name == label)
        self.say(who, f"{command} {words}".strip(), Spot(channel=heard.channel))

    def fill(self, who: str, values: Mapping[str, str]) -> bool:
        given = " ".join(f"{name}={json.dumps(value)}" for name, value in values.items())
        pattern = re.compile(rf"{re.escape(self._prefix)}answer ([0-9a-f]+)")
        for one in reversed(self.heard()):
            found = pattern.search(one.text[: one.begins_in])
            if found and not self._has_ended(found[1]):
                self.say(who, f"{found[0]} {given}", Spot(channel=one.channel))
                return True
        return False

    # what the bot says

    def heard(self) -> Sequence[Heard]:
        found: list[Heard] = []
        for channel in self._channels:
            found += self._in(self._people["witness"], channel)
        for who, person in self._people.items():
            if who != "witness":
                found += self._in(person, "")
        return found

    def _in(self, person: Person, channel: str) -> Iterator[Heard]:
        lines = self._lines(person, channel)
        shown = [plain(line) for line in lines]
        for number, line in enumerate(lines):
            labels = tuple(
                label for label, command in self._ways(line) if not self._is_over(command, lines[number:])
            )
            yield Heard(
                id=f"{channel or person.nick}/{number}",
                text="\n".join(shown[number : number + _LINES]),
                channel=channel,
                # There are none: what must stand in one may stand anywhere.
                thread=channel or person.nick,
                only_for="" if channel else person.nick,
                buttons=labels,
                begins_in=len(shown[number]),
            )

    def _lines(self, person: Person, channel: str) -> list[str]:
        wanted = f" PRIVMSG {channel or person.nick} :"
        return [
            " ".join(line.partition(wanted)[2].split())
            for line in list(person.client.lines)
            if line.startswith(f":{BOT}!") and wanted in line
        ]

    def _ways(self, line: str) -> list[tuple[str, str]]:
        return ways_on(line, prefix=self._prefix)

    def _is_over(self, command: str, later: Sequence[str]) -> bool:
        word = command.split(" ")[1] if " " in command else ""
        return bool(word) and any(re.search(rf"\b{re.escape(word)} (?:{_ENDED})", line) for line in later)

    def _has_ended(self, word: str) -> bool:
        return any(re.search(rf"\b{word} (?:{_ENDED})", one.text) for one in self.heard())


def ways_on(line: str, *, prefix: str) -> list[tuple[str, str]]:
    """`Ack: !alert ack 7f3a1c · !approve 7f3a1c` -> Ack and Approve, with their commands."""
    pattern = re.compile(
        rf"(?:(?P<label>[A-Z][^:!]{{0,40}}): )?(?P<command>{re.escape(prefix)}(?P<word>\w+)[^·]*)"
    )
    ways = [
        (found["label"] or found["word"].capitalize(), found["command"].strip())
        for part in line.split(_BETWEEN)
        for found in pattern.finditer(part)
    ]
    return ways + [(_ALSO[label], command) for label, command in ways if label in _ALSO]


def plain(line: str) -> str:
    """As it would stand in lines and columns."""
    return " ".join(_FIELD.sub(r"\1 ", part) for part in line.split(_BETWEEN))
