"""Offer of a server with OpenAI's protocol `/v1/videos`, as the options of the deployment describe its model."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from videojobs.domain.plan import Clip
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.domain.request import Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit

SECONDS = (4, 8, 12)
SIZES = ("1280x720", "720x1280")
"""Default sizes, as documented by OpenAI: https://platform.openai.com/docs/api-reference/videos/create."""
MAXIMUM_PROMPT_CHARACTERS = 32_000
POLL_SECONDS = 10.0
URL_LIFETIME = timedelta(hours=1)
_RESOLUTIONS = {480: Resolution.P480, 1080: Resolution.P1080}


def read_offer(options: Mapping[str, Any]) -> Capabilities:
    """Return the capabilities of the model that the options describe; raise `ValueError` if they are malformed."""
    return Capabilities(
        yields_pixels=True,
        can_cancel=False,
        unknown_submit=UnknownSubmit.FAIL,
        clips=_read_clips(options),
        prompt_limit=PromptLimit(MAXIMUM_PROMPT_CHARACTERS, Counting.CODE_POINTS),
        poll_seconds=POLL_SECONDS,
        calls_back=bool(options.get("webhooks")),
        result_lifetime=URL_LIFETIME,
        prices_as_of=_read_date(options),
    )


def _read_clips(options: Mapping[str, Any]) -> tuple[Clip, ...]:
    """Return a clip for each size and duration in the options, or raise `ValueError` if they are malformed.

    The shorter side determines the resolution: 480 or 1080 pixels, or else 720p.
    """
    try:
        seconds = [float(length) for length in _as_list(options.get("seconds", SECONDS))]
        sizes = [tuple(map(int, size.split("x"))) for size in _as_list(options.get("sizes", SIZES))]
        rate = Decimal(str(options["pricePerSecondUsd"])) if "pricePerSecondUsd" in options else None
        clips = tuple(
            Clip(
                width,
                height,
                length,
                None if rate is None else rate * Decimal(str(length)),
                _RESOLUTIONS.get(min(width, height), Resolution.P720),
            )
            for width, height in sizes
            for length in seconds
        )
    except (AttributeError, InvalidOperation, TypeError, ValueError):
        clips = ()
    if not clips or any(min(clip.width, clip.height, clip.seconds) <= 0 for clip in clips):
        form = 'seconds as [4, 8, 12], sizes as ["1280x720"], pricePerSecondUsd as 0.1'
        raise ValueError(f"ProviderOptions: openai_compatible needs {form}")
    return clips


def _as_list(value: object) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError("the value is not a list")
    return value


def _read_date(options: Mapping[str, Any]) -> date | None:
    """Return the date of the price, or None if the options have no price."""
    if "pricePerSecondUsd" not in options:
        return None
    try:
        return date.fromisoformat(options.get("pricesAsOf", ""))
    except (TypeError, ValueError):
        raise ValueError("ProviderOptions: pricePerSecondUsd needs pricesAsOf, a date such as 2026-11-01") from None
