"""Responses about what can be requested and at what price. Imported only for these requests."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal, TypedDict

from aws_lambda_powertools.event_handler.api_gateway import Response

from videojobs.api.envelopes import EstimateData
from videojobs.api.etag import make_etag, matches_etag
from videojobs.api.http import HttpRequest
from videojobs.api.resolver import JSON, answer_empty
from videojobs.api.schemas import (
    MAXIMUM_ITEMS,
    MAXIMUM_NEGATIVE_PROMPT_LENGTH,
    MAXIMUM_PROMPT_LENGTH,
    MAXIMUM_SECONDS,
    MINIMUM_SECONDS,
)
from videojobs.api.views import show_estimate
from videojobs.domain.plan import SIZES, Clip
from videojobs.domain.request import MAXIMUM_SEED, AspectRatio, Resolution, Style
from videojobs.domain.video_estimate import VideoEstimate
from videojobs.ports.videos import Capabilities, Offers

CACHE_SECONDS = 300
"""How long a client may use the options without a request: they change with a deployment only."""


class PriceData(TypedDict):
    """The price of a second by the provider's published prices, which can depend on the length of the clips."""

    resolution: str
    sound: bool
    minimum: float
    maximum: float
    currency: Literal["USD"]
    pricesAsOf: str | None


class ProviderData(TypedDict):
    """What a provider can honour. `selectable`: whether a request may name it. `prices` is empty without prices."""

    name: str
    selectable: bool
    resolutions: list[str]
    sound: bool
    seed: bool
    negativePrompt: bool
    prices: list[PriceData]


class RangeData(TypedDict):
    """The bounds of a number, inclusive."""

    minimum: int
    maximum: int


class SizeData(TypedDict):
    """The size in pixels of a video."""

    resolution: str
    aspectRatio: str
    width: int
    height: int


class OptionsData(TypedDict):
    """What can be requested. `providers`: those that a request can get, the default first, or may name."""

    styles: list[str]
    aspectRatios: list[str]
    resolutions: list[str]
    sizes: list[SizeData]
    duration: RangeData
    promptLength: RangeData
    negativePromptLength: RangeData
    seed: RangeData
    batchItems: RangeData
    providers: list[ProviderData]


class OptionsEnvelope(TypedDict):
    """The response to a request for the options."""

    success: Literal[True]
    data: OptionsData


class VideoEstimateData(TypedDict):
    """The estimate of a video. `lengths`: the seconds of each generation."""

    provider: str
    generations: int
    lengths: list[float]
    width: int
    height: int
    price: EstimateData | None
    expectedSeconds: int | None
    promptShortened: bool
    ignored: list[str]


class VideoEstimateEnvelope(TypedDict):
    """The response to a request for an estimate."""

    success: Literal[True]
    data: VideoEstimateData


def answer_options(request: HttpRequest, offers: Offers, allowed: Collection[str]) -> Response[Any]:
    """Return the response with the options, or 304 if the caller's ETag is current.

    Raises:
        ValueError: If the options of a provider are invalid.
    """
    body = serialize_options(offers, allowed)
    etag = make_etag(body)
    headers = {"ETag": etag, "Cache-Control": f"private, max-age={CACHE_SECONDS}"}
    return answer_empty(304, headers) if matches_etag(request, etag) else Response(200, JSON, body, headers)


def serialize_options(offers: Offers, allowed: Collection[str]) -> OptionsEnvelope:
    """Return the options; `allowed` are the providers that a request may name."""
    known = {name: offers.get(name) for name in dict.fromkeys((*offers.order, *allowed))}
    providers = [_show_provider(name, it, is_selectable=name in allowed) for name, it in known.items() if it]
    made = {resolution for name in offers.order if (it := known[name]) for resolution in it.resolutions}
    return {
        "success": True,
        "data": {
            "styles": [style.value for style in Style],
            "aspectRatios": [ratio.value for ratio in AspectRatio],
            "resolutions": [resolution.value for resolution in Resolution if resolution in made],
            "sizes": [
                {"resolution": resolution.value, "aspectRatio": ratio.value, "width": width, "height": height}
                for resolution, sizes in SIZES.items()
                for ratio, (width, height) in sizes.items()
            ],
            "duration": {"minimum": MINIMUM_SECONDS, "maximum": MAXIMUM_SECONDS},
            "promptLength": {"minimum": 1, "maximum": MAXIMUM_PROMPT_LENGTH},
            "negativePromptLength": {"minimum": 1, "maximum": MAXIMUM_NEGATIVE_PROMPT_LENGTH},
            "seed": {"minimum": 0, "maximum": MAXIMUM_SEED},
            "batchItems": {"minimum": 1, "maximum": MAXIMUM_ITEMS},
            "providers": providers,
        },
    }


def serialize_video_estimate(estimate: VideoEstimate) -> VideoEstimateEnvelope:
    """Return the response with an estimate. A provider without a plan makes the whole video in one generation."""
    production, request = estimate.production, estimate.request
    lengths = [clip.seconds for clip in production.plan.clips] if production else [request.duration]
    width, height = SIZES[request.resolution][request.aspect_ratio]
    return {
        "success": True,
        "data": {
            "provider": estimate.provider,
            "generations": len(lengths),
            "lengths": lengths,
            "width": width,
            "height": height,
            "price": show_estimate(production),
            "expectedSeconds": estimate.seconds,
            "promptShortened": production is not None and production.is_shortened,
            "ignored": list(estimate.ignored),
        },
    }


def _show_provider(name: str, capabilities: Capabilities, *, is_selectable: bool) -> ProviderData:
    clips = capabilities.clips
    return {
        "name": name,
        "selectable": is_selectable,
        "resolutions": [resolution.value for resolution in capabilities.resolutions],
        "sound": capabilities.makes_sound if clips is None else any(clip.has_sound for clip in clips),
        "seed": capabilities.takes_seed,
        "negativePrompt": capabilities.takes_negative_prompt,
        "prices": list(_show_prices(capabilities)),
    }


def _show_prices(capabilities: Capabilities) -> Iterator[PriceData]:
    """Yield the range of the prices of each resolution, with and without sound, if they are known."""

    def kind(clip: Clip) -> tuple[Resolution, bool]:
        return clip.resolution, clip.has_sound

    as_of = capabilities.prices_as_of.isoformat() if capabilities.prices_as_of else None
    for (resolution, has_sound), clips in groupby(sorted(capabilities.clips or (), key=kind), key=kind):
        prices = [clip.price_usd / Decimal(str(clip.seconds)) for clip in clips if clip.price_usd is not None]
        if prices:
            yield {
                "resolution": resolution.value,
                "sound": has_sound,
                "minimum": float(min(prices)),
                "maximum": float(max(prices)),
                "currency": "USD",
                "pricesAsOf": as_of,
            }
