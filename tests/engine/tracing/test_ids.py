"""Ids of traces and spans follow from our own, and from what W3C's header says."""

import pytest

from engine.tracing.ids import SpanRef, is_chosen, parsed, span_id, trace_id

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_header_is_read_and_written() -> None:
    found = parsed(f"00-{TRACE}-{SPAN}-01")
    assert found == SpanRef(trace_id=int(TRACE, 16), span_id=int(SPAN, 16))
    assert found.traceparent == f"00-{TRACE}-{SPAN}-01"
    assert found.trace == TRACE


def test_the_flag_says_whether_it_is_recorded() -> None:
    for flags, wanted in (("00", False), ("01", True), ("02", False), ("03", True)):
        found = parsed(f"00-{TRACE}-{SPAN}-{flags}")
        assert found is not None
        assert found.is_sampled is wanted


def test_a_later_version_may_say_more() -> None:
    assert parsed(f"01-{TRACE}-{SPAN}-01-more") is not None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\nX: y",
        f"01-{TRACE}-{SPAN}-01-{'x' * 300}",
    ],
)
def test_what_is_no_header_is_none(header: str) -> None:
    assert parsed(header) is None


def test_our_own_ids_are_found_in_those_of_traces() -> None:
    assert f"{trace_id('69283f0a1b2c3d4e5f607182'):032x}" == "0000000069283f0a1b2c3d4e5f607182"
    assert f"{trace_id(TRACE):032x}" == TRACE
    assert trace_id("a word of somebody") != trace_id("another") != 0
    assert trace_id("0" * 32) != 0


def test_a_span_has_the_same_id_after_a_restart() -> None:
    assert span_id("execution", "a") == span_id("execution", "a") != span_id("attempt", "a")
    assert span_id("rule", "ab", "c") != span_id("rule", "a", "bc")
    assert 0 < span_id("execution", "a") < 2**64


def test_a_share_of_the_traces_is_chosen() -> None:
    assert is_chosen(trace_id(TRACE), 1.0)
    assert not is_chosen(trace_id(TRACE), 0.0)
    chosen = sum(is_chosen(trace_id(f"trace {number}"), 0.25) for number in range(1000))
    assert 150 < chosen < 350
