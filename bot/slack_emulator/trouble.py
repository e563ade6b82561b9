"""The switches of what goes wrong: `emulator.trouble`."""

from bot.slack_emulator.faults import AnswerFault, Hello
from bot.slack_emulator.loop import LoopThread, on_loop
from bot.slack_emulator.site import Site
from bot.slack_emulator.sockets import Sockets
from bot.slack_emulator.switches import Limits, Timing


class Trouble:
    """Each takes effect before it returns. `method` is a name of the Web API, `*` any."""

    def __init__(self, thread: LoopThread, site: Site, sockets: Sockets) -> None:
        self._thread = thread
        self._site = site
        self._sockets = sockets

    # answers of the Web API

    @on_loop
    def fail(self, method: str, error: str, *, times: int = 1) -> None:
        """`ok: false` with this code, and nothing is done."""
        self._arm(AnswerFault(method=method, times=times, effect="answer", error=error))

    @on_loop
    def answer_status(self, method: str, status: int, *, times: int = 1, retry_after_s: int = 0) -> None:
        """An HTTP status such as 500 or 429, and nothing is done."""
        fault = AnswerFault(
            method=method, times=times, effect="answer", status=status, retry_after_s=retry_after_s
        )
        self._arm(fault)

    def limit_rate(self, method: str, *, retry_after_s: int = 1, times: int = 1) -> None:
        """429 with Retry-After."""
        self.answer_status(method, 429, times=times, retry_after_s=retry_after_s)

    @on_loop
    def delay(self, method: str, delay_s: float, *, times: int = 1) -> None:
        """It is done at once, and the answer comes late."""
        self._arm(AnswerFault(method=method, times=times, effect="delay", delay_s=delay_s))

    @on_loop
    def swallow(self, method: str, *, after_s: float = 0.0, times: int = 1) -> None:
        """It is done, and the connection is closed after a time without an answer."""
        self._arm(AnswerFault(method=method, times=times, effect="swallow", delay_s=after_s))

    @on_loop
    def reset_answer(self, method: str, *, after_s: float = 0.0, times: int = 1) -> None:
        """It is done, and the connection is reset."""
        self._arm(AnswerFault(method=method, times=times, effect="reset", delay_s=after_s))

    def _arm(self, fault: AnswerFault) -> None:
        self._site.faults.answers.append(fault)

    # deliveries

    @on_loop
    def duplicate(self, count: int = 1) -> None:
        """So many of the next deliveries come twice."""
        self._site.faults.duplicates = count

    @on_loop
    def reorder(self, count: int) -> None:
        """So many of the next deliveries are collected, and come the last one first."""
        self._site.faults.reordered = count

    @on_loop
    def lose_acknowledgements(self, count: int = 1) -> None:
        """So many of the next acknowledgements never arrive: the app believes that they did."""
        self._site.faults.unheard = count

    # sockets

    def close_sockets(self, count: int = 100) -> int:
        """With a close frame; how many there were."""
        return self._thread.wait(self._sockets.close(count))

    @on_loop
    def reset_sockets(self, count: int = 100) -> int:
        """With a TCP reset."""
        return self._sockets.reset(count)

    @on_loop
    def deafen_sockets(self, count: int = 100) -> int:
        """Nothing goes in or out any more, and nobody is told."""
        return self._sockets.deafen(count)

    def refresh_sockets(self, count: int = 100, *, reason: str = "refresh_requested") -> int:
        """As Slack does every few hours: a warning, then the request for a new connection, then the end."""
        return self._thread.wait(self._sockets.refresh(count, reason))

    @on_loop
    def refuse_sockets(self, is_on: bool = True) -> None:
        """No new connection until this is switched off."""
        self._site.faults.refuse_sockets = is_on

    @on_loop
    def spoil_hello(self, how: Hello, *, times: int = 1) -> None:
        """The next connections say nothing (`silence`), or end (`close`, `reset`), before their hello."""
        self._site.faults.hellos += [how] * times

    @on_loop
    def cut_deliveries(self, count: int = 1) -> None:
        """So many of the next deliveries are sent, and their socket reset before they are acknowledged."""
        self._site.faults.cut_deliveries = count

    @on_loop
    def ignore_pings(self, is_on: bool = True) -> None:
        self._site.faults.ignore_pings = is_on

    @on_loop
    def clear(self) -> None:
        """Everything goes well again."""
        self._site.faults.clear()

    # how quick and how strict this Slack is

    @on_loop
    def set_timing(self, timing: Timing) -> None:
        self._site.timing = self._site.deliveries.timing = timing

    @on_loop
    def set_limits(self, limits: Limits) -> None:
        self._site.limits = self._site.rates.limits = limits
