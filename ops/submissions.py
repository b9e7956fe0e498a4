"""Pause and resume the intake."""

from ops.errors import OpsError
from videojobs.domain.submissions import LONGEST_RETRY_AFTER_SECONDS, SubmissionState
from videojobs.domain.timestamps import format_timestamp
from videojobs.ports.jobs import Clock, SubmissionRepository


def pause_submissions(reason: str, retry_after_seconds: int, *, submissions: SubmissionRepository, clock: Clock) -> str:
    """Have new jobs refused; what to tell the operator. Repeated, it is paused since the first time.

    Raises:
        OpsError: nobody waits so long, or not at all.
        Unavailable: MongoDB does not answer; the intake may be paused all the same.
    """
    if not 1 <= retry_after_seconds <= LONGEST_RETRY_AFTER_SECONDS:
        raise OpsError(f"--retry-after is from 1 to {LONGEST_RETRY_AFTER_SECONDS} seconds.")
    before = submissions.read(clock.now())
    after = submissions.pause(clock.now(), reason=reason, retry_after_seconds=retry_after_seconds)
    first = "The intake was paused already." if before.is_paused else "Every function knows within three seconds."
    return f"{first}\nintake   {format_submissions(after)}"


def resume_submissions(*, submissions: SubmissionRepository, clock: Clock) -> str:
    """Have new jobs taken; what to tell the operator. Harmless when they are taken already."""
    before = submissions.read(clock.now())
    submissions.resume()
    if not before.is_paused:
        return "The intake was open already."
    return "The intake is open; every function knows within three seconds."


def format_submissions(submissions: SubmissionState) -> str:
    """How it stands."""
    if submissions.paused_at is None:
        return "open"
    reason = f" ({submissions.reason})" if submissions.reason else ""
    since = format_timestamp(submissions.paused_at)
    seconds = submissions.retry_after_seconds
    return f"paused since {since}{reason}: new jobs are refused, to be tried again after {seconds} s"
