"""All sensors of this server: which run, followed through every reload; started and stopped by people."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from engine.content.registry import Content, Registry
from engine.errors import BadInput, NotFound, nearest
from engine.records.sensor import SensorHealth, SensorLine
from engine.sensors.keeper import Keeper, Surroundings
from engine.sensors.leases import Leases
from engine.sensors.plan import SensorPlan
from engine.sensors.process import sweep

log = logging.getLogger(__name__)

# How much longer than its own time a sensor's end may take before we leave without it.
_MARGIN_S = 3.0
_PLANNING_S = 5.0
Plans = Callable[[Registry], Mapping[str, SensorPlan]]


class Sensors:
    """`start` returns at once; a thread of its own follows the content from then on."""

    def __init__(
        self, content: Content, around: Surroundings, leases: Leases, *, plans: Plans, spool: str
    ) -> None:
        self._content = content
        self._around = around
        self._leases = leases
        self._plans = plans
        self._spool = spool
        self._lock = threading.Lock()
        self._keepers: dict[str, Keeper] = {}
        self._wake = threading.Event()
        self._is_stale = True
        self._has_planned = threading.Event()
        self._has_planned.set()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._detach: Callable[[], None] = lambda: None

    # start and stop

    def start(self) -> None:
        """End what an earlier server has left, then start what is enabled."""
        self._has_planned.clear()
        self._detach = self._content.attach(self._content_changed)
        self._thread = threading.Thread(target=self._run, name="sensors", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all of them, side by side. Idempotent."""
        self._detach()
        self._detach = lambda: None
        self._is_stopping = True
        self._wake.set()
        self._has_planned.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._lock:
            keepers, self._keepers = list(self._keepers.values()), {}
        self._end(keepers)
        self._leases.release()

    def _end(self, keepers: list[Keeper]) -> None:
        for keeper in keepers:
            keeper.close()
        give_up_at = time.monotonic() + self._around.settings.stop_s + _MARGIN_S
        for keeper in keepers:
            keeper.join(max(0.0, give_up_at - time.monotonic()))
            if keeper.is_alive:
                log.error("the sensor %s does not end", keeper.ref)

    # the content

    def _content_changed(self, _registry: Registry) -> None:
        with self._lock:
            self._is_stale = True
            self._has_planned.clear()
        self._wake.set()

    def _run(self) -> None:
        left = sweep(self._spool)
        if left:
            log.warning("ended %d processes of sensors that an earlier server has left", left)
        while not self._is_stopping:
            self._wake.clear()
            with self._lock:
                is_stale, self._is_stale = self._is_stale, False
            if is_stale:
                # Its rules may not be compiled yet; then we are told of it once more, and plan once more.
                self._follow(self._content.current)
                with self._lock:
                    if not self._is_stale:
                        self._has_planned.set()
            elif self._leases.renew(self._keepers):
                self._look_again()
            self._wake.wait(self._leases.pause_s)

    def _follow(self, registry: Registry) -> None:
        """Start, stop and restart exactly what has changed."""
        plans = self._plans(registry)
        with self._lock:
            gone = [keeper for ref, keeper in self._keepers.items() if ref not in plans]
            self._keepers = {ref: self._keepers[ref] for ref in self._keepers if ref in plans}
        self._end(gone)
        self._leases.renew(plans)
        for ref, plan in plans.items():
            keeper = self._keepers.get(ref)
            if keeper is not None:
                keeper.assign(plan)
                continue
            with self._lock:
                self._keepers[ref] = Keeper(plan, self._around)

    def _look_again(self) -> None:
        for keeper in list(self._keepers.values()):
            keeper.look_again()

    # people

    def health(self) -> list[SensorHealth]:
        """Every sensor, in the order of their refs."""
        self._has_planned.wait(_PLANNING_S)
        return self.known()

    def known(self) -> list[SensorHealth]:
        """As `health`, without waiting for what a reload that is under way brings."""
        with self._lock:
            keepers = sorted(self._keepers.items())
        return [keeper.health() for _, keeper in keepers]

    def one(self, ref: str) -> SensorHealth:
        """Raises NotFound."""
        return self._keeper(ref).health()

    def lines(self, ref: str) -> list[SensorLine]:
        """The last lines of its log, oldest first. Raises NotFound."""
        return self._keeper(ref).lines()

    def start_one(self, ref: str) -> SensorHealth:
        """Raises NotFound, BadInput when it is disabled."""
        return self._order(ref, Keeper.start)

    def stop_one(self, ref: str) -> SensorHealth:
        """Until it is started again, or the server is. Raises NotFound."""
        keeper = self._keeper(ref)
        keeper.stop()
        return keeper.health()

    def restart_one(self, ref: str) -> SensorHealth:
        """Raises NotFound, BadInput when it is disabled."""
        return self._order(ref, Keeper.restart)

    def _order(self, ref: str, order: Callable[[Keeper], None]) -> SensorHealth:
        keeper = self._keeper(ref)
        if not keeper.is_enabled:
            raise BadInput(
                f'The sensor "{ref}" is disabled.', hint=f"Enable it: stormcrow sensor enable {ref}"
            )
        order(keeper)
        return keeper.health()

    def _keeper(self, ref: str) -> Keeper:
        # Who asks right after a reload means what it brought.
        self._has_planned.wait(_PLANNING_S)
        with self._lock:
            found = self._keepers.get(ref)
            known = list(self._keepers)
        if found is None:
            hint = nearest(ref, known) or "List them: stormcrow sensor list"
            raise NotFound(f'There is no sensor "{ref}".', hint=hint)
        return found
