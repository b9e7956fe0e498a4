"""Pausing and resuming of submissions."""

from localcloud.terminal import printable
from ops.errors import OpsError
from videojobs.domain.submissions import CACHE_SECONDS, LONGEST_RETRY_AFTER_SECONDS, SubmissionState
from videojobs.domain.timestamps import format_timestamp
from videojobs.ports.jobs import Clock, SubmissionRepository

_EFFECT = f"This takes effect within {CACHE_SECONDS} seconds."


def pause_submissions(reason: str, retry_after_seconds: int, *, submissions: SubmissionRepository, clock: Clock) -> str:
    """Pause submissions and return a message for the operator.

    If they are paused already, the start of the pause stays and the reason and retry delay are replaced.

    Raises:
        OpsError: If `retry_after_seconds` is out of range.
        Unavailable: If MongoDB does not respond. Submissions may have been paused.
    """
    if not 1 <= retry_after_seconds <= LONGEST_RETRY_AFTER_SECONDS:
        raise OpsError(f"--retry-after must be from 1 to {LONGEST_RETRY_AFTER_SECONDS} seconds.")
    before = submissions.read(clock.now())
    after = submissions.pause(clock.now(), reason=reason, retry_after_seconds=retry_after_seconds)
    effect = "Submissions were already paused." if before.is_paused else _EFFECT
    return f"{effect}\nsubmissions   {format_submissions(after)}"


def resume_submissions(*, submissions: SubmissionRepository, clock: Clock) -> str:
    """Accept submissions again and return a message for the operator. Idempotent.

    Raises:
        Unavailable: If MongoDB does not respond. Submissions may have been resumed.
    """
    before = submissions.read(clock.now())
    submissions.resume()
    if not before.is_paused:
        return "Submissions were already open."
    return f"Submissions are open. {_EFFECT}"


def format_submissions(submissions: SubmissionState) -> str:
    """Return the state of submissions as text: `open`, or the start, reason and Retry-After of the pause."""
    if submissions.paused_at is None:
        return "open"
    reason = f" ({printable(submissions.reason)})" if submissions.reason else ""
    since = format_timestamp(submissions.paused_at)
    seconds = submissions.retry_after_seconds
    return f"paused since {since}{reason}; new jobs are refused with Retry-After: {seconds}"
