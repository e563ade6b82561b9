"""What holds for gates whatever comes when: compared with counting by hand."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.rules.gate import Gate
from engine.store import rule_state
from engine.store.scratch import scratch
from tests.engine.rules.world import at, event, gate

TIMES = st.lists(st.integers(0, 120), max_size=40).map(sorted)
WINDOW_S = 20
CALM = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def passed(asked: Gate, times: list[int]) -> list[int]:
    """The times at which an event passed."""
    with scratch() as connection:
        return [
            seconds
            for seconds in times
            if asked.admit(connection, rule_ref="p.r", instance=event(), now=at(seconds)).admitted
        ]


@CALM
@given(times=TIMES, limit=st.integers(1, 4))
def test_no_window_lets_more_pass_than_its_limit_and_none_fewer_than_it_could(
    times: list[int], limit: int
) -> None:
    by_hand: list[int] = []
    for now in times:
        if sum(now - WINDOW_S < before for before in by_hand) < limit:
            by_hand.append(now)
    found = passed(gate("throttle", {"at_most": limit, "within": WINDOW_S}), times)
    assert found == by_hand
    assert found == passed(gate("budget", {"at_most": limit, "within": WINDOW_S}), times)
    assert all(sum(end - WINDOW_S < before <= end for before in found) <= limit for end in range(0, 140, 5))


@CALM
@given(times=TIMES, count=st.integers(2, 5))
def test_a_threshold_fires_on_so_many_within_the_window_and_uses_them_up(
    times: list[int], count: int
) -> None:
    by_hand, waiting = [], list[int]()
    for now in times:
        waiting = [before for before in waiting if before > now - WINDOW_S] + [now]
        if len(waiting) == count:
            by_hand.append(now)
            waiting = []
    assert passed(gate("threshold", {"count": count, "within": WINDOW_S}), times) == by_hand


@CALM
@given(times=TIMES)
def test_once_quiet_is_due_a_window_after_the_last_event_and_never_later_than_allowed(
    times: list[int],
) -> None:
    asked = gate("throttle", {"once_quiet": WINDOW_S, "at_latest": 50})
    with scratch() as connection:
        for seconds in times:
            asked.admit(connection, rule_ref="p.r", instance=event(), now=at(seconds))
        due = rule_state.first_due(connection)
    if not times:
        assert due is None
        return
    assert due is not None
    assert (due.count, due.first_at) == (len(times), at(times[0]))
    assert due.due_at == min(at(times[-1] + WINDOW_S), at(times[0] + 50))
