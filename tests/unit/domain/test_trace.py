"""Trace contexts: a valid `traceparent` is continued at every hop, and an invalid value starts a new trace."""

from collections.abc import Iterator

import pytest

from videojobs.domain.trace import Trace, begin_trace, continued, current_trace, following

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
ANOTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture(autouse=True)
def _restore_trace() -> Iterator[None]:
    before = current_trace()
    yield
    begin_trace(before.traceparent if before else None)


def test_a_valid_traceparent_is_continued_with_a_new_span() -> None:
    trace = begin_trace(TRACEPARENT)
    assert (trace.trace_id, trace.flags) == (TRACE_ID, "01")
    assert trace.span_id != "00f067aa0ba902b7"
    assert current_trace() == trace
    assert Trace.read(trace.traceparent) == trace


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        "",
        "00",
        f"00-{TRACE_ID}-00f067aa0ba902b7",
        f"00-{TRACE_ID.upper()}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
        f"01-{TRACE_ID}-00f067aa0ba902b7-01-more",
        f"{TRACEPARENT}\n",
        f" {TRACEPARENT}",
        f"{TRACEPARENT}, {ANOTHER}",
        'x"}\n{"level":"ERROR"',
    ],
)
def test_an_invalid_traceparent_starts_a_new_trace(nonsense: str | None) -> None:
    assert Trace.read(nonsense) is None
    trace = begin_trace(nonsense)
    assert Trace.read(trace.traceparent) == trace


def test_the_x_ray_trace_is_continued_if_there_is_no_traceparent() -> None:
    trace = begin_trace(None, "Self=1-2-3;Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    assert trace.trace_id == "5759e988bd862e3fe1be46a994272793"


@pytest.mark.parametrize("header", [None, "", "Root=1-5759e988", "Root=1-5759e988-xd862e3fe1be46a994272793"])
def test_a_new_trace_is_started_each_time_without_a_traceparent_and_an_x_ray_header(header: str | None) -> None:
    assert begin_trace(None, header).trace_id != begin_trace(None, header).trace_id


def test_an_outgoing_traceparent_names_the_current_span_unless_a_valid_one_is_given() -> None:
    trace = begin_trace(TRACEPARENT)
    assert continued() == continued(TRACEPARENT) == trace.traceparent
    assert continued(ANOTHER) == ANOTHER
    assert continued("nonsense") == trace.traceparent


def test_a_block_can_follow_another_trace() -> None:
    mine = begin_trace(TRACEPARENT)
    with following(ANOTHER):
        trace = current_trace()
        assert trace is not None
        assert trace.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
        assert trace.flags == "00"
    assert current_trace() == mine
    with following(None):
        assert current_trace() == mine
