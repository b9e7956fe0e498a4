"""Calls of a worker to an adapter: submit, poll and fetch."""

from pathlib import Path

from tests.providers.counterparts.server import Counterpart, Task
from videojobs.domain.errors import ProviderError, Unavailable, VideoJobsError
from videojobs.domain.production import MAXIMUM_RESULT_BYTES
from videojobs.ports.videos import Generation, VideoProvider

TOKEN = "65a0000000000000000000aa:1:1"
MAXIMUM_POLLS = 8


def submitted(provider: VideoProvider, counterpart: Counterpart) -> tuple[str, Task]:
    """Submit the request of the counterpart. Return the provider's ID of the task, and the task in the ledger."""
    known = set(counterpart.tasks)
    submission = provider.submit(counterpart.request, token=TOKEN)
    (created,) = set(counterpart.tasks) - known or known  # a repeated idempotency token creates no task
    return submission.ref, counterpart.tasks[created]


def polled_until_done(provider: VideoProvider, ref: str) -> list[Generation]:
    """Poll until the task is done. Return the results of all polls.

    Raises:
        AssertionError: If the task is not done after `MAXIMUM_POLLS` polls.
    """
    generations: list[Generation] = []
    while not generations or not generations[-1].done:
        assert len(generations) < MAXIMUM_POLLS, f"the task is not done after {MAXIMUM_POLLS} polls"
        generations.append(provider.poll(ref))
    return generations


def fetched(provider: VideoProvider, ref: str, folder: Path) -> bytes:
    """Fetch the result and return its bytes; the reported progress must only rise, from 0 to at most 1."""
    path, shown = folder / "clip.mp4", list[float]()
    provider.fetch(ref, path, shown.append, maximum_bytes=MAXIMUM_RESULT_BYTES)
    assert shown == sorted(shown)
    assert all(0 <= part <= 1 for part in shown)
    return path.read_bytes()


def fetched_or_not(provider: VideoProvider, ref: str, folder: Path) -> bytes | VideoJobsError:
    """Return the bytes of the result, or the error of the fetch."""
    try:
        return fetched(provider, ref, folder)
    except (ProviderError, Unavailable) as error:
        return error


def may_be_tried_again(got: bytes | VideoJobsError) -> bool:
    """Return whether the fetch ended with an error after which the worker retries it."""
    return isinstance(got, Unavailable) or (isinstance(got, ProviderError) and got.transient)


def error_of(provider: VideoProvider, counterpart: Counterpart) -> ProviderError:
    """Return the error of a task that fails at the submit or at a poll.

    Raises:
        AssertionError: If the task succeeds.
    """
    try:
        ref, _ = submitted(provider, counterpart)
        polled_until_done(provider, ref)
    except ProviderError as error:
        return error
    raise AssertionError("the task succeeded")
