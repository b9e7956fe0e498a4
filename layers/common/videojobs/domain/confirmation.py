"""Confirmation of failures that one odd response of a provider can cause."""

from dataclasses import replace
from datetime import datetime, timedelta

from videojobs.domain import lifecycle
from videojobs.domain.errors import ProviderError, UnconfirmedFailure
from videojobs.domain.job import Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.refused_result import refused_link

CONFIRMATION_PERIOD = timedelta(minutes=1)
"""How long an unconfirmed failure must last before the attempt has failed."""


def retry_failed_call(
    job: VideoJob,
    step: Step,
    error: ProviderError,
    now: datetime,
    policy: StepPolicy,
    *,
    has_fallback: bool = False,
) -> VideoJob:
    """Return the job as `retry_or_fail`, except that an unconfirmed failure is repeated for `CONFIRMATION_PERIOD`.

    Until then `step` is due again in the same attempt, so that a task that is paid for is not started a second time.
    A job that fetches a refused result again fails instead of starting another attempt.
    """
    if isinstance(error, UnconfirmedFailure) and job.provider is not None:
        failing_since = job.provider.failing_since or now
        if now - failing_since < CONFIRMATION_PERIOD:
            after = lifecycle.retry_call(job, step, now, error.retry_after_seconds)
            return replace(after, provider=after.provider and after.provider._replace(failing_since=failing_since))
    if refused_link(job) is not None:
        return lifecycle.fail(job, error, now, policy)
    return lifecycle.retry_or_fail(job, error, now, policy, has_fallback=has_fallback)
