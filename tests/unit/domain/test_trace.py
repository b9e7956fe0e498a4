"""A story is told on from hop to hop, whoever tells it; nonsense begins a new one."""

from collections.abc import Iterator

import pytest

from videojobs.domain.trace import Trace, begin_trace, continued, current_trace, following

STORY = "4bf92f3577b34da6a3ce929d0e0e4736"
TOLD = f"00-{STORY}-00f067aa0ba902b7-01"
ANOTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture(autouse=True)
def _between_stories() -> Iterator[None]:
    before = current_trace()
    yield
    begin_trace(before.traceparent if before else None)


def test_a_story_that_is_told_goes_on_in_a_part_of_its_own() -> None:
    trace = begin_trace(TOLD)
    assert (trace.trace_id, trace.flags) == (STORY, "01")
    assert trace.span_id != "00f067aa0ba902b7"
    assert current_trace() == trace
    assert Trace.read(trace.traceparent) == trace


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        "",
        "00",
        f"00-{STORY}-00f067aa0ba902b7",
        f"00-{STORY.upper()}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{STORY}-{'0' * 16}-01",
        f"ff-{STORY}-00f067aa0ba902b7-01",
        f"01-{STORY}-00f067aa0ba902b7-01-more",
        f"{TOLD}\n",
        f" {TOLD}",
        f"{TOLD}, {ANOTHER}",
        'x"}\n{"level":"ERROR"',
    ],
)
def test_nonsense_is_no_story(nonsense: str | None) -> None:
    assert Trace.read(nonsense) is None
    trace = begin_trace(nonsense)
    assert Trace.read(trace.traceparent) == trace


def test_without_one_it_is_the_story_that_x_ray_knows() -> None:
    trace = begin_trace(None, "Self=1-2-3;Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    assert trace.trace_id == "5759e988bd862e3fe1be46a994272793"


@pytest.mark.parametrize("header", [None, "", "Root=1-5759e988", "Root=1-5759e988-xd862e3fe1be46a994272793"])
def test_without_either_it_is_a_new_one_each_time(header: str | None) -> None:
    assert begin_trace(None, header).trace_id != begin_trace(None, header).trace_id


def test_whoever_receives_it_learns_which_part_it_came_from() -> None:
    trace = begin_trace(TOLD)
    assert continued() == continued(TOLD) == trace.traceparent
    assert continued(ANOTHER) == ANOTHER
    assert continued("nonsense") == trace.traceparent


def test_for_the_time_of_a_block_another_story_is_told() -> None:
    mine = begin_trace(TOLD)
    with following(ANOTHER):
        trace = current_trace()
        assert trace is not None
        assert trace.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
        assert trace.flags == "00"
    assert current_trace() == mine
    with following(None):
        assert current_trace() == mine
