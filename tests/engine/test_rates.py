"""Buckets that time fills again."""

import pytest

from engine import rates
from engine.errors import TooOften
from engine.rates import Rate


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rates, "time", made)
    return made


def test_a_burst_passes_and_then_one_at_a_time(clock: Clock) -> None:
    rate = Rate(per_s=2, burst=3)
    assert [rate.wait_s("ann") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now_s += 0.5
    assert [rate.wait_s("ann") for _ in range(2)] == [0, 0.5]


def test_who_is_refused_is_not_refused_longer_for_trying(clock: Clock) -> None:
    rate = Rate(per_s=1, burst=1)
    rate.wait_s("ann")
    assert {rate.wait_s("ann") for _ in range(50)} == {1.0}
    clock.now_s += 1
    assert rate.wait_s("ann") == 0


def test_everybody_has_a_bucket_of_their_own(clock: Clock) -> None:
    rate = Rate(per_s=1, burst=1)
    assert [rate.wait_s(name) for name in ("ann", "bob", "ann")] == [0, 0, 1]


def test_a_pause_fills_no_more_than_the_burst(clock: Clock) -> None:
    rate = Rate(per_s=10, burst=2)
    clock.now_s += 3600
    assert [rate.wait_s("ann") > 0 for _ in range(3)] == [False, False, True]


def test_a_rate_of_nothing_bounds_nothing() -> None:
    rate = Rate(per_s=0, burst=1)
    assert {rate.wait_s("ann") for _ in range(1000)} == {0}


def test_what_is_kept_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "REMEMBERED", 10)
    rate = Rate(per_s=1, burst=2)
    rate.wait_s("ann")
    rate.wait_s("ann")
    for number in range(9):
        rate.wait_s(f"early {number}")
    clock.now_s += 1.5
    # Those that are full again are forgotten, not the one that is not.
    rate.wait_s("late")
    assert rate.wait_s("ann") == 0
    for number in range(1000):
        rate.wait_s(f"flood {number}")
    assert len(rate._full_at) <= 10


def test_it_says_how_long_to_wait(clock: Clock) -> None:
    rate = Rate(per_s=0.5, burst=1)
    rate.check("ann", "Too many.")
    with pytest.raises(TooOften, match=r"Too many\. Try again in 2 s\.") as caught:
        rate.check("ann", "Too many.")
    assert caught.value.retry_after_s == 2
