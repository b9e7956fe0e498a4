"""What a worker does with an adapter, in a few words."""

from pathlib import Path

from tests.providers.counterparts.server import Counterpart, Task
from videojobs.domain.errors import ProviderError, Unavailable, VideoJobsError
from videojobs.ports.videos import Generation, VideoProvider

TOKEN = "65a0000000000000000000aa:1:1"
MAXIMUM_POLLS = 8


def submitted(provider: VideoProvider, counterpart: Counterpart) -> tuple[str, Task]:
    """A task that was taken: its ref, and its line in the ledger."""
    known = set(counterpart.tasks)
    submission = provider.submit(counterpart.request, token=TOKEN)
    (made,) = set(counterpart.tasks) - known or known  # where one token is one task, a repeat makes none
    return submission.ref, counterpart.tasks[made]


def polled_until_done(provider: VideoProvider, ref: str) -> list[Generation]:
    """All that the polls said; the last one is done."""
    told: list[Generation] = []
    while not told or not told[-1].done:
        assert len(told) < MAXIMUM_POLLS, "it never ends"
        told.append(provider.poll(ref))
    return told


def fetched(provider: VideoProvider, ref: str, folder: Path) -> bytes:
    """The result's bytes."""
    path, shown = folder / "clip.mp4", list[float]()
    provider.fetch(ref, path, shown.append)
    assert shown == sorted(shown)
    assert all(0 <= part <= 1 for part in shown)
    return path.read_bytes()


def fetched_or_not(provider: VideoProvider, ref: str, folder: Path) -> bytes | VideoJobsError:
    """The result's bytes, or why there are none."""
    try:
        return fetched(provider, ref, folder)
    except (ProviderError, Unavailable) as error:
        return error


def may_be_tried_again(got: bytes | VideoJobsError) -> bool:
    """Whether a fetch ended with an error after which the worker fetches once more."""
    return isinstance(got, Unavailable) or (isinstance(got, ProviderError) and got.transient)


def error_of(provider: VideoProvider, counterpart: Counterpart) -> ProviderError:
    """How a task ends that makes no video, wherever the provider says so."""
    try:
        ref, _ = submitted(provider, counterpart)
        polled_until_done(provider, ref)
    except ProviderError as error:
        return error
    raise AssertionError("the task was said to be done")
