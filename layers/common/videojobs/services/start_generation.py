"""Start of a generation: submit a job to a provider, with at most one provider task per attempt and part."""

import logging
from dataclasses import replace
from datetime import datetime

from videojobs.domain import lifecycle
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, ProviderUnreachable
from videojobs.domain.job import Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.refused_result import refused_link, start_fetch
from videojobs.domain.request import new_seed
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.ports.videos import Capabilities, Submission, UnknownSubmit, VideoProvider
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.keep_lease import keep_lease, with_renewed_lease
from videojobs.services.route_provider import Choice, ProviderRouter, next_request

logger = logging.getLogger(__name__)

CALLBACK_POLL_FACTOR = 4
MAXIMUM_CALLBACK_POLL_SECONDS = 60.0
"""Providers that send callbacks are polled four times less often, but once a minute, in case callbacks fail."""


def start_generation(job: VideoJob, *, dispatcher: JobDispatcher, router: ProviderRouter) -> VideoJob:
    """Choose a provider, store the intent, submit, and store the task's ref. Return the job as stored.

    The intent is stored before the call, and the lease is renewed during the call. An intent without a ref means that
    an earlier submit may have arrived. The provider's `Capabilities.unknown_submit` is then applied and recorded in the
    history. If all circuits are open, the start is postponed. A `ProviderError` leads to another attempt or fails the
    job.

    If an operator requested a refused result again, nothing is submitted and the render step follows.

    Raises:
        LeaseLost: If the job has changed meanwhile.
        Unavailable: If MongoDB does not confirm a write, or the secret with the provider's key can't be read.
        ValueError: If the settings of a provider are invalid.
    """
    clock, policy = dispatcher.clock, dispatcher.policy
    now = clock.now()
    if refused_link(job) is not None:
        return dispatcher.commit(job, start_fetch(job, now))
    try:
        choice = router.choose(job, now)
        if isinstance(choice, datetime):
            return dispatcher.commit(job, lifecycle.postpone(job, choice, now))
        intended = _intend(job, choice, clock, policy)
        intent = dispatcher.commit(job, with_renewed_lease(intended, dispatcher=dispatcher))
    except ProviderError as error:
        return dispatcher.commit(job, lifecycle.fail(job, error, clock.now(), policy))
    provider, circuit = choice.provider, choice.circuit
    try:
        with keep_lease(intent, dispatcher=dispatcher):
            submission = _submit(intent, provider, policy, repeated=_is_unknown(job))
    except ProviderError as error:
        stored = dispatcher.commit(intent, _after_refusal(intent, error, router, dispatcher))
        if error.transient or circuit.failures:
            router.count_outcome(provider.name, clock.now(), failed=error.transient)
        return stored
    seconds = poll_pause(submission.poll_after_seconds, provider.capabilities, policy)
    try:
        stored = dispatcher.commit(intent, lifecycle.record_submission(intent, submission.ref, clock.now(), seconds))
    except LeaseLost:
        _cancel_orphan(intent, submission.ref, jobs=dispatcher.jobs, provider=provider)
        raise
    if circuit.failures:
        router.count_outcome(provider.name, clock.now(), failed=False)
    return stored


def poll_pause(seconds: float | None, capabilities: Capabilities, policy: StepPolicy) -> float | None:
    """Return the pause before the next poll in seconds, or None if `seconds` is None.

    If the provider sends callbacks, it is four times `seconds`, but at most a minute, unless `seconds` is longer.
    """
    has_callback = seconds is not None and capabilities.calls_back and policy.callbacks_url
    return (
        seconds
        if seconds is None or not has_callback
        else min(CALLBACK_POLL_FACTOR * seconds, max(MAXIMUM_CALLBACK_POLL_SECONDS, seconds))
    )


def _is_unknown(job: VideoJob) -> bool:
    return job.provider is not None and job.provider.ref is None


def _intend(job: VideoJob, choice: Choice, clock: Clock, policy: StepPolicy) -> VideoJob:
    settled = _settle_options(job, choice.provider.capabilities)
    after = _start_submit(settled, choice, clock, policy)
    is_announced = after.version > job.version or (settled.seed, settled.ignored) == (job.seed, job.ignored)
    return after if is_announced else after.changed(clock.now())


def _settle_options(job: VideoJob, capabilities: Capabilities) -> VideoJob:
    """Return the job with the fields that the provider ignores, and with a seed if the provider takes one.

    A seed is chosen for providers with clips only: the video of other providers follows from the request alone.
    """
    chooses = job.seed is None and capabilities.takes_seed and capabilities.clips is not None
    return replace(job, seed=new_seed() if chooses else job.seed, ignored=capabilities.lacks(job))


def _start_submit(job: VideoJob, choice: Choice, clock: Clock, policy: StepPolicy) -> VideoJob:
    provider, production = choice.provider, choice.production
    unknown_submit = provider.capabilities.unknown_submit
    if not _is_unknown(job):
        return lifecycle.start_submit(job, provider.name, clock.now(), production=production)
    if unknown_submit is UnknownSubmit.FAIL or (
        unknown_submit is UnknownSubmit.RESUBMIT and not lifecycle.attempts_left(job, policy)
    ):
        message = "The provider did not confirm the request. We stopped to avoid a duplicate charge. Please try again."
        raise ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
    if unknown_submit is UnknownSubmit.RESUBMIT:
        job = replace(job, attempt=job.attempt + 1)
    note = f"unknown whether the submit arrived: {unknown_submit} (attempt {job.attempt})"
    return lifecycle.start_submit(job, provider.name, clock.now(), note, production)


def _submit(intent: VideoJob, provider: VideoProvider, policy: StepPolicy, *, repeated: bool) -> Submission:
    capabilities, token = provider.capabilities, intent.generation_token
    if repeated and capabilities.unknown_submit is UnknownSubmit.FIND:
        submission = provider.find(token=token)
        if submission is not None:
            return submission
    url = f"{policy.callbacks_url}/api/providers/{provider.name}/callback?job={intent.id}"
    has_callback = capabilities.calls_back and policy.callbacks_url
    return provider.submit(next_request(intent, capabilities, url if has_callback else None), token=token)


def _after_refusal(
    intent: VideoJob, error: ProviderError, router: ProviderRouter, dispatcher: JobDispatcher
) -> VideoJob:
    now = dispatcher.clock.now()
    if isinstance(error, ProviderUnreachable):
        return lifecycle.retry_call(intent, Step.START, now, error.retry_after_seconds)
    has_fallback = router.can_fall_back(intent, error)
    return lifecycle.retry_or_fail(intent, error, now, dispatcher.policy, has_fallback=has_fallback)


def _cancel_orphan(intent: VideoJob, ref: str, *, jobs: JobRepository, provider: VideoProvider) -> None:
    """Cancel a task that was submitted after the lease was lost, if the job does not use it.

    If the job is live in the same attempt and has no ref yet, the task is kept: the worker that holds the lease may
    look it up. A `ProviderError` is logged and not raised.
    """
    stored = jobs.find(intent.id)
    known = stored.provider.ref if stored and stored.provider else None
    is_wanted = stored is not None and stored.is_live and stored.attempt == intent.attempt
    if known == ref or (is_wanted and known is None):
        return
    extra = {"action": "orphan_cancelled", "job_id": intent.id, "provider": provider.name}
    try:
        stopped = provider.capabilities.can_cancel and provider.cancel(ref)
    except ProviderError:
        stopped = False
    logger.warning("Submitted twice; the orphan was%s stopped", "" if stopped else " not", extra=extra)
