"""Offer of Runway, whose API has Runway's models and models of other companies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from videojobs.adapters.offers.options import read_model
from videojobs.adapters.offers.parameters import NO_PARAMETERS, Parameters
from videojobs.domain.plan import Clip
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.domain.request import Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit

POLL_SECONDS = 5.0
"""Runway's minimum interval of polls: https://docs.dev.runwayml.com/api#tag/Task-management."""
URL_LIFETIME = timedelta(hours=24)
"""Lifetime of a result URL: 24 to 48 hours. Each read of a task returns a new URL."""
CREDIT_USD = Decimal("0.01")
PRICES_AS_OF = date(2026, 10, 4)
"""Date of the prices: https://docs.dev.runwayml.com/guides/pricing/."""

type Sizes = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Tier:
    """Sizes of a resolution, with the price in credits per second; None if the price is not published."""

    resolution: Resolution
    sizes: Sizes
    credits: int
    credits_with_sound: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """Durations, sizes and prices of a model.

    `prompt_units` is the maximum prompt length in UTF-16 units, which is the strictest interpretation where the API
    says "characters". `parameters`: the optional parameters of its schema.
    """

    seconds: Sequence[int]
    prompt_units: int
    tiers: Sequence[Tier]
    parameters: Parameters = NO_PARAMETERS

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Return a clip for each size and duration, with and without sound, with its price in US dollars."""
        return tuple(
            Clip(*size, seconds, _price(rate, seconds), tier.resolution, has_sound)
            for tier in self.tiers
            for size in tier.sizes
            for seconds in self.seconds
            for has_sound, rate in ((False, tier.credits), (True, tier.credits_with_sound))
            if self.parameters.sound or not has_sound
        )


def _price(credits_per_second: int | None, seconds: int) -> Decimal | None:
    return None if credits_per_second is None else credits_per_second * CREDIT_USD * seconds


_WIDE: Sizes = ((1280, 720), (720, 1280))
_WIDE_1080P: Sizes = ((1920, 1080), (1080, 1920))
_SEEDANCE: Sizes = (*_WIDE, (960, 960), (1112, 834))
_SEEDANCE_480P: Sizes = ((864, 496), (496, 864), (640, 640), (752, 560))
_P480, _P720, _P1080 = Resolution
_AUDIO = Parameters(sound="audio")
_VEO = Parameters(sound="audio", negative_prompt="negativePrompt")

MODELS: Mapping[str, Model] = {
    "gen4.5": Model(range(2, 11), 1000, [Tier(_P720, _WIDE, 12)], Parameters(seed="seed")),
    "veo3.1": Model((4, 6, 8), 1000, [Tier(_P720, _WIDE, 20, 40), Tier(_P1080, _WIDE_1080P, 20, 40)], _VEO),
    "veo3.1_fast": Model((4, 6, 8), 1000, [Tier(_P720, _WIDE, 10, 15), Tier(_P1080, _WIDE_1080P, 10, 15)], _VEO),
    "happyhorse_1_0": Model(
        range(3, 16),
        2500,
        [
            Tier(_P720, (*_WIDE, (960, 960), (1108, 832)), 15),
            Tier(_P1080, (*_WIDE_1080P, (1440, 1440), (1662, 1248)), 30),
        ],
    ),
    "gemini_omni_flash": Model(range(3, 11), 4000, [Tier(_P720, _WIDE, 10)]),
    "seedance2": Model(
        range(4, 16),
        3500,
        [
            Tier(_P720, _SEEDANCE, 36),
            Tier(_P480, _SEEDANCE_480P, 36),
            Tier(_P1080, (*_WIDE_1080P, (1440, 1440), (1664, 1248)), 40),
        ],
        _AUDIO,
    ),
    "seedance2_fast": Model(range(4, 16), 3500, [Tier(_P720, _SEEDANCE, 29), Tier(_P480, _SEEDANCE_480P, 29)], _AUDIO),
    "seedance2_mini": Model(range(4, 16), 3500, [Tier(_P720, _SEEDANCE, 16), Tier(_P480, _SEEDANCE_480P, 16)], _AUDIO),
    "seedance2_5": Model(
        range(4, 31),
        15000,
        [Tier(_P720, _SEEDANCE, 30), Tier(_P480, ((854, 480), (480, 854), (640, 640), (752, 560)), 20)],
        _AUDIO,
    ),
}
"""Models by name, from the schemas of `POST /v1/text_to_video` and the pricing page; the first is the default.

The page has one price for Seedance, and does not say whether sound changes it.
"""


def read_model_name(options: Mapping[str, Any]) -> str:
    """Return the name of the model; raise `ValueError` if it is unknown."""
    return read_model(options, "runway", MODELS)


def read_offer(options: Mapping[str, Any]) -> Capabilities:
    """Return the capabilities of the model; raise `ValueError` if it is unknown."""
    model = MODELS[read_model_name(options)]
    return Capabilities(
        yields_pixels=True,
        can_cancel=True,
        unknown_submit=UnknownSubmit.FAIL,
        clips=model.clips,
        prompt_limit=PromptLimit(model.prompt_units, Counting.UTF16_UNITS),
        poll_seconds=POLL_SECONDS,
        result_lifetime=URL_LIFETIME,
        prices_as_of=PRICES_AS_OF,
        takes_seed=model.parameters.seed is not None,
        takes_negative_prompt=model.parameters.negative_prompt is not None,
    )
