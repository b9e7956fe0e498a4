"""The display of `watch` in the terminal."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from localcloud.processes import MarkedProcess
from localcloud.stack import Stack
from localcloud.watch import JobsLook, Look, QueueLook, WorkersLook, count_workers, draw_look

NOW = 1_770_000_000.0
STACK = Stack(
    api_url="http://127.0.0.1:4566/api",
    web_url="http://127.0.0.1:4570/",
    ws_url=None,
    mongo_uri="mongodb://127.0.0.1:27117/videojobs",
    aws_endpoint_url="http://127.0.0.1:4566",
    stack_name="videojobs",
    cookie_name="token",
    jwt_secret="s3cret",
    queues={},
    bucket="videos",
    functions={},
)


def a_message(*, visible: bool = False, received: int = 0, age: float = 0) -> dict[str, object]:
    return {"IsVisible": visible, "ReceiveCount": received, "SentTimestamp": int(NOW - age)}


def drawn(look: Look, width: int = 100, *, is_terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=is_terminal, color_system=None, soft_wrap=True)
    console.print(draw_look(look, STACK))
    return out.getvalue()


def a_look(**changes: object) -> Look:
    jobs = {"by_status": {}, "oldest_live_seconds": None, "unannounced": 0, "connections": 0, "webhooks_given_up": 0}
    return Look(datetime.fromtimestamp(NOW, UTC), JobsLook(**jobs | changes), [], [])  # type: ignore[arg-type]


def test_messages_are_counted_as_waiting_in_flight_or_delayed() -> None:
    messages = [
        a_message(visible=True, age=5),
        a_message(visible=True, received=2, age=90),
        a_message(received=1, age=7),
        a_message(),
    ]
    assert QueueLook.of("jobs", messages, NOW) == QueueLook("jobs", 2, 1, 1, 90.0)


def test_an_empty_queue_has_no_oldest_message() -> None:
    assert QueueLook.of("jobs", [], NOW) == QueueLook("jobs", 0, 0, 0, None)


def test_the_processes_of_a_function_are_counted_under_its_name() -> None:
    processes = [
        MarkedProcess(0, "aws", 0, "1", leads=True),
        MarkedProcess(0, "aws", 0, "1", leads=False, function="videojobs-WorkerFunction-1"),
        MarkedProcess(0, "aws", 0, "1", leads=False, function="videojobs-WorkerFunction-1"),
    ]
    functions = {"worker": "videojobs-WorkerFunction-1", "status": "videojobs-StatusFunction-1"}
    counted = {workers.function: workers.processes for workers in count_workers(processes, functions)}
    assert counted == {"worker": 2, "status": 0}


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.4, "0 s"), (59.9, "59 s"), (61, "1 min 01 s"), (7_260, "2 h 01 min")]
)
def test_an_age_is_shown_in_units_that_fit_it(seconds: float | None, text: str) -> None:
    assert f"oldest unfinished job: {text}\n" in drawn(a_look(oldest_live_seconds=seconds))


def test_every_status_is_shown_including_unknown_ones() -> None:
    text = drawn(a_look(by_status={"completed": 1234, "paused": 1}))
    assert "0 queued" in text
    assert "1,234 completed" in text
    assert "1 paused" in text


def test_queues_and_workers_are_listed() -> None:
    look = a_look()
    look.queues.append(QueueLook("render", 3, 2, 1, 12))
    look.workers.append(WorkersLook("render", 2, 231_000_000))
    text = drawn(look)
    assert [line.split() for line in text.splitlines() if line.startswith("render")] == [
        ["render", "3", "2", "1", "12", "s"],
        ["render", "2", "231", "MB"],
    ]


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_number_is_truncated_at_any_width(width: int, *, is_terminal: bool) -> None:
    look = a_look(by_status={"completed": 12_345_678}, unannounced=98_765, webhooks_given_up=54_321)
    look.queues.append(QueueLook("highRenderDeadLetter", 1_234_567, 22, 33, 7_260))
    look.workers.append(WorkersLook("reconciler", 17, 231_000_000))
    text = drawn(look, width, is_terminal=is_terminal)
    figures = ["12,345,678 completed", "98,765", "54,321", "1,234,567", "2 h 01 min", "17", "231 MB"]
    assert [figure for figure in figures if figure not in text] == []
    assert "…" not in text
    if is_terminal:
        assert max(map(len, text.splitlines()[1:])) <= width


def test_the_display_shows_no_secret() -> None:
    assert "s3cret" not in drawn(a_look())
