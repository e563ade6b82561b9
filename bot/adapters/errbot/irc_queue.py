"""The lines on their way to an IRC server: at the pace that it allows, and confirmed.

A server that has answered a PING has taken every line before it. So a Send is done when the PING
behind its last line is answered, and what came before an earlier PING need not be sent again when
the connection breaks. Lines of several Sends take turns: a long output holds nobody up.

All of it belongs to one thread. It imports the standard library only.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.adapters.errbot.cutting import cut, lines_of
from bot.adapters.errbot.protocol import Begun, Done, Outcome, Progress, Said, Send

# How many lines may go at once after a pause, and how many go between two PINGs.
BURST = 5
CHECK_EVERY = 5
_LINE_BYTES = 512
# What a server may put before our lines, when we do not know our own address yet: it cuts there.
_LONGEST_USER_HOST = 10 + 1 + 63
_TOKEN = "stormcrow-"  # noqa: S105 - the mark of our own PINGs


def room_bytes(target: str, *, nickname: str, user_host: str) -> int:
    """How many bytes of text one message may have, with all that stands around it for its readers."""
    known = len(user_host.encode()) or _LONGEST_USER_HOST
    head = len(f":{nickname}! PRIVMSG {target} :\r\n".encode()) + known
    return _LINE_BYTES - head


@dataclass(slots=True, kw_only=True)
class _Sending:
    send: Send
    target: str
    lines: list[str]
    ends: list[int]
    """After each line: how many lines of the Send are whole then."""
    next: int = 0
    checked: int = 0
    """So many lines stand before the last PING."""
    taken: int = 0
    """Lines of the Send that are in the chat for certain."""
    refusals: list[str] = field(default_factory=list)


class LineQueue:
    def __init__(
        self,
        *,
        write: Callable[[str], None],
        say: Callable[[Said], None],
        lines_per_s: float,
    ) -> None:
        self._write = write
        self._say = say
        self._lines_per_s = lines_per_s
        self._allowed = float(BURST)
        self._counted_at = 0.0
        self._sendings: dict[int, _Sending] = {}
        self._turn: deque[_Sending] = deque()

    def add(self, send: Send, target: str, limit_bytes: int) -> None:
        lines: list[str] = []
        ends: list[int] = []
        for number, given in enumerate(send.lines, start=1):
            # A line that says nothing cannot be sent.
            pieces = [one for line in lines_of(given) for one in cut(line, limit_bytes) if one.strip()]
            lines += pieces
            ends += [number - 1] * (len(pieces) - 1) + [number] if pieces else []
        sending = _Sending(send=send, target=target, lines=lines, ends=ends)
        if not lines:
            self._say(Done(id=send.id, outcome=Outcome.SENT, lines_taken=len(send.lines)))
            return
        self._sendings[send.id] = sending
        self._turn.append(sending)

    def due_in(self, now: float) -> float | None:
        """Seconds until a line may be sent; None: there is none."""
        if not self._turn:
            return None
        self._count(now)
        return max(0.0, (1.0 - self._allowed) / self._lines_per_s)

    def pump(self, now: float) -> None:
        """Send what may be sent now."""
        self._count(now)
        while self._turn and self._allowed >= 1.0:
            sending = self._turn.popleft()
            self._next_line(sending)
            if sending.next < len(sending.lines):
                self._turn.append(sending)

    def spend(self, lines: int = 1) -> None:
        """Other lines were sent, which the server counts as well."""
        self._allowed -= lines

    def _count(self, now: float) -> None:
        self._allowed = min(float(BURST), self._allowed + (now - self._counted_at) * self._lines_per_s)
        self._counted_at = now

    def _next_line(self, sending: _Sending) -> None:
        if sending.next == 0:
            self._say(Begun(id=sending.send.id))
        self._write(f"PRIVMSG {sending.target} :{sending.lines[sending.next]}")
        sending.next += 1
        self.spend()
        if sending.next == len(sending.lines) or sending.next - sending.checked >= CHECK_EVERY:
            sending.checked = sending.next
            self._write(f"PING :{_TOKEN}{sending.send.id}-{sending.next}")
            self.spend()

    # what the server says

    def pong(self, token: str) -> None:
        """A PING is answered; those of others are none of ours."""
        if not token.startswith(_TOKEN):
            return
        number, _, count = token.removeprefix(_TOKEN).partition("-")
        sending = self._sendings.get(int(number)) if number.isdigit() and count.isdigit() else None
        if sending is None:
            return
        if sending.refusals:
            self._finish(sending, Outcome.REFUSED, reason=sending.refusals[0])
            return
        sending.taken = sending.ends[int(count) - 1]
        if int(count) == len(sending.lines):
            self._finish(sending, Outcome.SENT, taken=len(sending.send.lines))
        else:
            self._say(Progress(id=sending.send.id, lines_taken=sending.taken))

    def refused(self, target: str, reason: str, *, is_closed: bool = False) -> None:
        """The server does not take what is for `target`: it says so before it answers the PING.

        `is_closed`: nor what is still to come.
        """
        for sending in self._sendings.values():
            if (sending.next or is_closed) and sending.target.lower() == target.lower():
                sending.refusals.append(reason)

    def broken(self) -> None:
        """The connection is gone, and everything that was not confirmed comes back."""
        for sending in list(self._sendings.values()):
            is_sure = sending.next == 0 or sending.ends[sending.next - 1] == sending.taken
            self._finish(sending, Outcome.LATER if is_sure else Outcome.UNKNOWN, taken=sending.taken)
        self._allowed = float(BURST)

    def _finish(self, sending: _Sending, outcome: Outcome, *, taken: int = 0, reason: str = "") -> None:
        del self._sendings[sending.send.id]
        if sending in self._turn:
            self._turn.remove(sending)
        self._say(Done(id=sending.send.id, outcome=outcome, lines_taken=taken, reason=reason))
