"""The runner http-request: one HTTP request, bounded as a whole in time and size."""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from engine.errors import RunnerFailure
from engine.expressions.masking import ValueMasker
from engine.runners.base import RunControl, Runner, RunRequest, RunResult
from engine.settings import Settings
from engine.status import Status

if TYPE_CHECKING:
    from engine.runners.http_exchange import Exchange
    from engine.runners.http_guard import Guard

log = logging.getLogger(__name__)

# StackStorm counts these as success, and every other code, redirects included, as failure.
_SUCCESS = range(200, 207)


class HttpRequestRunner(Runner):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings.http

    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        """The result is {status_code, body, parsed, headers}, or {error} after a timeout or a cancel."""
        # requests takes 0.15 s to import, which the start of the server must not pay.
        from engine.runners.http_exchange import plan  # noqa: PLC0415
        from engine.runners.http_guard import Guard  # noqa: PLC0415

        masker = request.masker
        exchange = plan(request)
        guard = Guard(
            blocked_networks=self._settings.blocked_networks,
            blacklist=request.runner_parameters.get("url_hosts_blacklist") or (),
            whitelist=request.runner_parameters.get("url_hosts_whitelist") or (),
        )
        work = _Work(exchange, guard, limit_bytes=self._settings.response_limit_bytes)
        end = work.ended.set
        control.on_cancel.append(end)
        try:
            if control.cancelled.is_set():
                end()
            is_in_time = work.run(exchange.timeout_s)
        finally:
            control.on_cancel.remove(end)
        if control.cancelled.is_set():
            return RunResult(status=Status.CANCELED, result={"error": "The request was cancelled."})
        if not is_in_time:
            text = f"The request did not end within {exchange.timeout_s:g} seconds."
            return RunResult(status=Status.TIMEOUT, result={"error": text})
        answer = work.answer(masker)
        is_success = answer["status_code"] in _SUCCESS
        return RunResult(
            status=Status.SUCCEEDED if is_success else Status.FAILED, result=masker.value(answer)
        )


class _Work:
    """The request in a thread of its own, so that nothing it waits for can hold us."""

    def __init__(self, exchange: "Exchange", guard: "Guard", *, limit_bytes: int) -> None:
        self._exchange = exchange
        self._guard = guard
        self._limit_bytes = limit_bytes
        self._answer: dict[str, Any] = {}
        self._problem: Exception | None = None
        self._is_done = False
        self.ended = threading.Event()
        """Set when the request has ended, or must end."""

    def run(self, timeout_s: float) -> bool:
        """Whether it ended by itself, and in time."""
        until_s = time.monotonic() + timeout_s
        if not self.ended.is_set():
            threading.Thread(target=self._perform, name="http-request", daemon=True).start()
        self.ended.wait(max(0.0, until_s - time.monotonic()))
        is_done = self._is_done
        self._guard.end()
        return is_done and not _is_timeout(self._problem)

    def answer(self, masker: ValueMasker) -> dict[str, Any]:
        """Raises RunnerFailure when there is none."""
        if isinstance(self._problem, RunnerFailure):
            problem = self._problem
            raise RunnerFailure(masker.text(problem.message), hint=problem.hint) from problem
        if self._problem is not None:
            text = masker.text(_reason(self._problem))
            raise RunnerFailure(f"{self._exchange.method} {masker.text(self._exchange.url)}: {text}")
        return self._answer

    def _perform(self) -> None:
        from engine.runners.http_exchange import perform  # noqa: PLC0415 - as above

        try:
            self._answer = perform(self._exchange, self._guard, limit_bytes=self._limit_bytes)
        except Exception as error:
            # Handed to the thread that waits; what nobody expected is logged as well.
            if not isinstance(error, OSError | RunnerFailure | ValueError):
                log.exception("an HTTP request failed in an unexpected way")
            self._problem = error
        self._is_done = True
        self.ended.set()


def _is_timeout(problem: Exception | None) -> bool:
    import requests  # noqa: PLC0415 - as above

    return isinstance(problem, requests.Timeout)


def _reason(problem: Exception) -> str:
    """One line; urllib3 wraps what happened into the reasons of reasons."""
    inner: Any = problem
    while getattr(inner, "args", None):
        deeper = getattr(inner.args[0], "reason", None) or inner.args[0]
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    # The words of urllib3 begin with the object of the connection.
    said = inner.__cause__ if isinstance(inner.__cause__, OSError) else inner
    return (getattr(said, "strerror", None) or str(said) or type(said).__name__).split("\n")[0]
