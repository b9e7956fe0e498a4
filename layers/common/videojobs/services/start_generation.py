"""The first step: have the provider begin, at most once per attempt, and not while it is known to be down."""

import logging
from dataclasses import replace

from videojobs.domain import lifecycle
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.ports.videos import CircuitRepository, Submission, UnknownSubmit, VideoProvider
from videojobs.services.claim_step import save_or_stop

logger = logging.getLogger(__name__)


def start_generation(
    job: VideoJob,
    *,
    jobs: JobRepository,
    circuits: CircuitRepository,
    provider: VideoProvider,
    clock: Clock,
    policy: StepPolicy,
) -> VideoJob:
    """Write the intent, submit, write the ref; what is stored then.

    The intent is stored before the call. An intent without a ref therefore means that nobody knows whether an earlier
    submit arrived, and the provider's `Capabilities.unknown_submit` says what happens then; the history tells.

    Raises:
        LeaseLost: the job moved on without us.
        Unavailable: MongoDB did not confirm.
    """
    now = clock.now()
    circuit = circuits.find(provider.name)
    if circuit.open_until is not None and (circuit.blocks(now) or not circuits.save(circuit, circuit.probing(now))):
        postponed = lifecycle.postpone(job, max(circuit.open_until, now), now)
        return save_or_stop(job, lifecycle.in_time(postponed, policy), jobs=jobs)
    try:
        intent = save_or_stop(job, _intend(job, provider, clock, policy), jobs=jobs)
    except ProviderError as error:
        return save_or_stop(job, lifecycle.fail(job, error, clock.now(), policy), jobs=jobs)
    try:
        submission = _submit(intent, provider, repeated=_is_unknown(job))
    except ProviderError as error:
        if isinstance(error, ProviderUnreachable):
            after = lifecycle.ask_again(intent, Step.START, clock.now(), error.retry_after_seconds)
        else:
            after = lifecycle.retry_or_fail(intent, error, clock.now(), policy)
        stored = save_or_stop(intent, lifecycle.in_time(after, policy), jobs=jobs)
        if error.transient or circuit.failures:
            _keep_count(circuits, provider.name, clock, failed=error.transient)
        return stored
    after = lifecycle.submitted(intent, submission.ref, clock.now(), submission.poll_after_seconds)
    try:
        stored = save_or_stop(intent, lifecycle.in_time(after, policy), jobs=jobs)
    except LeaseLost:
        _cancel_orphan(intent, submission.ref, jobs=jobs, provider=provider)
        raise
    if circuit.failures:
        _keep_count(circuits, provider.name, clock, failed=False)
    return stored


def _is_unknown(job: VideoJob) -> bool:
    return job.provider is not None and job.provider.ref is None


def _intend(job: VideoJob, provider: VideoProvider, clock: Clock, policy: StepPolicy) -> VideoJob:
    unknown_submit = provider.capabilities.unknown_submit
    if not _is_unknown(job):
        return lifecycle.begin(job, provider.name, clock.now())
    if unknown_submit is UnknownSubmit.FAIL or (
        unknown_submit is UnknownSubmit.RESUBMIT and not lifecycle.attempts_left(job, policy)
    ):
        message = "The video provider did not confirm the request, and it must not be paid for twice. Please try again."
        raise ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
    if unknown_submit is UnknownSubmit.RESUBMIT:
        job = replace(job, attempt=job.attempt + 1)
    note = f"nobody knows whether the submit arrived: {unknown_submit} (attempt {job.attempt})"
    return lifecycle.begin(job, provider.name, clock.now(), note)


def _submit(intent: VideoJob, provider: VideoProvider, *, repeated: bool) -> Submission:
    token = f"{intent.id}:{intent.attempt}"
    if repeated and provider.capabilities.unknown_submit is UnknownSubmit.FIND:
        found = provider.find(intent, token=token)
        if found is not None:
            return found
    return provider.submit(intent, token=token)


def _cancel_orphan(intent: VideoJob, ref: str, *, jobs: JobRepository, provider: VideoProvider) -> None:
    """We slept between the intent and the submit, and somebody else has submitted: what we began has to stop.

    Where nothing says that the task is nobody's (no ref is stored yet: whoever is at it may have found it), it stays.
    """
    stored = jobs.find(intent.id)
    known = stored.provider.ref if stored and stored.provider else None
    is_wanted = stored is not None and stored.is_live and stored.attempt == intent.attempt
    if known == ref or (is_wanted and known is None):
        return
    extra = {"action": "orphan_cancelled", "job_id": intent.id, "provider": provider.name}
    try:
        stopped = provider.capabilities.can_cancel and provider.cancel(intent, ref)
    except ProviderError:
        stopped = False
    logger.warning("Submitted twice; the orphan was%s stopped", "" if stopped else " not", extra=extra)


def _keep_count(circuits: CircuitRepository, provider: str, clock: Clock, *, failed: bool) -> None:
    """Count a failure or end the count. The outcome is stored by now: what goes wrong here costs the job nothing."""
    try:
        before = circuits.find(provider)
        after = before.failed(clock.now()) if failed else before.succeeded()
        # Of several workers that count at once one wins; a provider that is really down soon gives the next chance.
        saved = circuits.save(before, after)
    except Unavailable:
        extra = {"action": "circuit_not_saved", "provider": provider}
        logger.warning("Circuit not saved", extra=extra, exc_info=True)
        return
    if saved and failed and after.open_until is not None:
        logger.warning("Circuit opened", extra={"action": "circuit_opened", "provider": provider})
    elif saved and not failed:
        logger.info("Circuit closed", extra={"action": "circuit_closed", "provider": provider})
