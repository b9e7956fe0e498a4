"""Pause and resume the intake."""

from videojobs.domain.intake import LONGEST_RETRY_AFTER_SECONDS, Intake
from videojobs.ops.errors import OpsError
from videojobs.ops.tables import say_time
from videojobs.ports.jobs import Clock, IntakeRepository


def pause_intake(reason: str, retry_after_seconds: int, *, intake: IntakeRepository, clock: Clock) -> str:
    """Have new jobs refused; what to tell the operator. Repeated, it is paused since the first time.

    Raises:
        OpsError: nobody waits so long, or not at all.
        Unavailable: MongoDB does not answer; the intake may be paused all the same.
    """
    if not 1 <= retry_after_seconds <= LONGEST_RETRY_AFTER_SECONDS:
        raise OpsError(f"--retry-after is from 1 to {LONGEST_RETRY_AFTER_SECONDS} seconds.")
    before = intake.read(clock.now())
    after = intake.pause(clock.now(), reason=reason, retry_after_seconds=retry_after_seconds)
    first = "The intake was paused already." if before.is_paused else "Every function knows within three seconds."
    return f"{first}\nintake   {say_intake(after)}"


def resume_intake(*, intake: IntakeRepository, clock: Clock) -> str:
    """Have new jobs taken; what to tell the operator. Harmless when they are taken already."""
    before = intake.read(clock.now())
    intake.resume()
    if not before.is_paused:
        return "The intake was open already."
    return "The intake is open; every function knows within three seconds."


def say_intake(intake: Intake) -> str:
    """How it stands."""
    if intake.paused_at is None:
        return "open"
    reason = f" ({intake.reason})" if intake.reason else ""
    since = say_time(intake.paused_at)
    return f"paused since {since}{reason}: new jobs are refused, to be tried again after {intake.retry_after_seconds} s"
