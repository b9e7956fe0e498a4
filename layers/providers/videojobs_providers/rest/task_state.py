"""States of provider tasks, in the spellings of providers and of gateways in front of them."""

import re
from collections.abc import Mapping
from enum import StrEnum


class TaskState(StrEnum):
    """State of a provider task. A `STOPPED` task was canceled, an `EXPIRED` one has ended and lost its result."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    EXPIRED = "expired"


_SPELLINGS: Mapping[TaskState, str] = {
    TaskState.RUNNING: (
        "queued queueing pending inqueue notstart notstarted created submitted accepted scheduled waiting throttled"
        " starting started preparing inprogress processing running generating rendering active"
    ),
    TaskState.DONE: "completed complete succeeded succeed success successful done finished",
    TaskState.FAILED: "failed failure fail error errored rejected",
    TaskState.STOPPED: "canceled cancelled aborted stopped terminated",
    TaskState.EXPIRED: "expired",
}
"""Spellings without case and separators. Gateways for `/v1/videos` use those of other APIs and of their own queues."""
_STATES: Mapping[str, TaskState] = {word: state for state, words in _SPELLINGS.items() for word in words.split()}
_SEPARATORS = re.compile(r"[\s_-]+")


def read_state(value: object) -> TaskState | None:
    """Return the state that a text of a response stands for, in any letter case, or None if it is not known."""
    return _STATES.get(_SEPARATORS.sub("", value).casefold()) if isinstance(value, str) else None
