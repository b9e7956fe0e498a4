"""Estimate a video before its job is created: the provider, the generations, their price and the expected time."""

from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.estimate import round_up, timing_kind
from videojobs.domain.request import NewJob
from videojobs.domain.video_estimate import VideoEstimate
from videojobs.ports.jobs import TimingRepository
from videojobs.ports.videos import Offers
from videojobs.services.route_provider import plan_production


def estimate_video(request: NewJob, *, offers: Offers, timings: TimingRepository) -> VideoEstimate:
    """Return the estimate for the provider that the request names, else for the first that can make the video.

    Nothing is created, and no provider is called. A job can still get another provider, if the first is failing.

    Raises:
        ValidationFailed: If no provider can make the video.
        Unavailable: If MongoDB does not respond in time.
        ValueError: If the options of a provider are invalid.
    """
    for name in (request.provider,) if request.provider else offers.order:
        capabilities = offers.get(name)
        if capabilities is None or request.resolution not in capabilities.resolutions:
            continue
        production = None if capabilities.clips is None else plan_production(request, name, capabilities)
        if capabilities.clips is None or production is not None:
            usual = timings.usual_seconds(timing_kind(request))
            seconds = None if usual is None else round_up(usual)
            return VideoEstimate(request, name, production, capabilities.lacks(request), seconds)
    raise ValidationFailed([ErrorDetail("body", "Can't be made by the providers of this deployment. Change it.")])
