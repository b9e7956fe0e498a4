"""Choice of the provider for a job: the first in order that can make the video and whose circuit is closed."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from videojobs.domain.circuit import Circuit
from videojobs.domain.errors import FailureCode, ProviderError, Unavailable
from videojobs.domain.job import VideoJob
from videojobs.domain.plan import plan_video
from videojobs.domain.production import MAXIMUM_PARTS, Production
from videojobs.domain.prompt import FoldedPrompt, PromptLimit, fold_prompt
from videojobs.domain.request import AspectRatio, NewJob, Style
from videojobs.ports.videos import Capabilities, CircuitRepository, GenerationRequest, Providers, VideoProvider

logger = logging.getLogger(__name__)

_UNLIMITED = PromptLimit.unlimited()


@dataclass(frozen=True, slots=True)
class Choice:
    """Provider for the next submit, with its circuit and its production, or None if it makes the video in one task."""

    provider: VideoProvider
    circuit: Circuit
    production: Production | None


class ProviderRouter:
    """Chooses the provider of a job's next submit, and counts failures for the circuit breakers."""

    def __init__(self, providers: Providers, circuits: CircuitRepository) -> None:
        self.providers, self._circuits = providers, circuits

    def choose(self, job: VideoJob, now: datetime) -> Choice | datetime:
        """Return the provider of the next submit, or the time to try again if all suitable circuits are open.

        A provider with an open circuit is skipped if another provider in the order is suitable. The provider is fixed
        if the user named one, if an earlier submit may have arrived, or if some parts are finished.

        When a pause has ended, the circuit is stored as probing, and one job gets the provider.

        Raises:
            ProviderError: `invalid_request`, if no provider can make the video. No provider was called.
            Unavailable: If MongoDB does not respond in time.
            ValueError: If the settings of a provider are invalid.
        """
        retry_times: list[datetime] = []
        for provider, production in _able(job, self.providers):
            circuit = self._circuits.find(provider.name)
            if circuit.open_until is None:
                return Choice(provider, circuit, production)
            if not circuit.blocks(now) and self._circuits.save(circuit, circuit.probing(now)):
                return Choice(provider, circuit, production)
            retry_times.append(max(circuit.open_until, now))
        if not retry_times:
            message = "No video provider can make this video. Please change its duration, aspect ratio or resolution."
            raise ProviderError(FailureCode.INVALID_REQUEST, message, transient=False)
        return min(retry_times)

    def can_fall_back(self, job: VideoJob, error: ProviderError) -> bool:
        """Return whether a fallback provider should make the next attempt, because the job's provider has no quota.

        Raises:
            ValueError: If the settings of a provider are invalid.
        """
        if error.reason is not FailureCode.QUOTA_EXHAUSTED or job.provider is None:
            return False
        names = {provider.name for provider, _ in _able(job, self.providers, starting=True)}
        return bool(names - {job.provider.name})

    def count_outcome(self, provider: str, now: datetime, *, failed: bool) -> None:
        """Count a failed call of a provider, or reset its circuit after a successful one.

        If MongoDB does not respond, this is logged and not raised, because the job's outcome is already stored.
        """
        try:
            before = self._circuits.find(provider)
            after = before.failed(now) if failed else before.succeeded()
            # Only one of several concurrent writes succeeds. If the provider is down, further failures follow soon.
            saved = self._circuits.save(before, after)
        except Unavailable:
            extra = {"action": "circuit_not_saved", "provider": provider}
            logger.warning("Circuit not saved", extra=extra, exc_info=True)
            return
        if saved and failed and after.open_until is not None:
            logger.warning("Circuit opened", extra={"action": "circuit_opened", "provider": provider})
        elif saved and not failed:
            logger.info("Circuit closed", extra={"action": "circuit_closed", "provider": provider})


def next_request(job: VideoJob, capabilities: Capabilities, callback_url: str | None) -> GenerationRequest:
    """Return the request for the next part of the job's production, or for the whole video if there is none.

    Raises:
        ValueError: If the provider's prompt limit is too small for any of the user's prompt.
    """
    production = job.production
    if production is None:
        return GenerationRequest(job.id, job.prompt, seed=job.seed, negative_prompt=job.negative_prompt)
    count = len(production.plan.clips)
    folded = _fold(job, capabilities, production.part, count)
    clip = production.plan.clips[production.part - 1]
    return GenerationRequest(job.id, folded.text, clip, callback_url, job.seed, job.negative_prompt)


def _able(
    job: VideoJob, providers: Providers, *, starting: bool = False
) -> Iterator[tuple[VideoProvider, Production | None]]:
    """Yield the providers that can make the video in the requested resolution, in order.

    Each comes with its production, or None if it needs no plan. Other fields that it lacks do not exclude a provider.

    With `starting`, ignore an earlier submit and finished parts of the job.
    """
    for name in _names(job, providers, starting=starting):
        provider = providers.get(name)
        if provider is None or job.resolution not in provider.capabilities.resolutions:
            continue
        if provider.capabilities.clips is None:
            yield provider, None
        elif (production := _plan(job, provider)) is not None:
            yield provider, production


def _names(job: VideoJob, providers: Providers, *, starting: bool) -> tuple[str, ...]:
    if not starting and job.provider is not None and job.provider.ref is None:
        return (job.provider.name,)
    if not starting and job.production is not None and job.production.parts:
        return (job.production.provider,)
    order = (job.requested_provider,) if job.requested_provider else providers.order
    return tuple(name for name in order if name not in job.exhausted_providers) or order


def _plan(job: VideoJob, provider: VideoProvider) -> Production | None:
    """Return the job's production at this provider, else a new one, or None if the provider can't make the video."""
    if job.production is not None and job.production.provider == provider.name:
        return job.production
    return plan_production(job, provider.name, provider.capabilities)


def plan_production(request: NewJob | VideoJob, provider: str, capabilities: Capabilities) -> Production | None:
    """Return the production of a video at a provider with clips, or None if the provider can't make the video."""
    plan = plan_video(
        request.duration or 1,
        AspectRatio(request.aspect_ratio),
        capabilities.clips or (),
        maximum_clips=MAXIMUM_PARTS,
        resolution=request.resolution,
        has_sound=request.sound,
    )
    if plan is None:
        return None
    count = len(plan.clips)
    try:
        shortened = any(_fold(request, capabilities, part, count).is_shortened for part in range(1, count + 1))
    except ValueError:  # the prompt limit is too small for the user's prompt
        return None
    return Production(provider, plan, shortened, capabilities.prices_as_of)


def _fold(request: NewJob | VideoJob, capabilities: Capabilities, part: int, parts: int) -> FoldedPrompt:
    limit = capabilities.prompt_limit or _UNLIMITED
    return fold_prompt(request.prompt, Style(request.style), limit, part=part, parts=parts)
