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
from videojobs.ports.videos import Capabilities, UnknownSubmit

POLL_SECONDS = 5.0
"""Runway's minimum interval of polls: https://docs.dev.runwayml.com/api#tag/Task-management."""
URL_LIFETIME = timedelta(hours=24)
"""Lifetime of a result URL: 24 to 48 hours. Each read of a task returns a new URL."""
CREDIT_USD = Decimal("0.01")
PRICES_AS_OF = date(2026, 10, 4)
"""Date of the prices: https://docs.dev.runwayml.com/guides/pricing/."""

type Sizes = Sequence[tuple[int, int]]
_WIDE: Sizes = ((1280, 720), (720, 1280))


@dataclass(frozen=True, slots=True)
class Model:
    """Sizes, durations and price of a model at about 720p, without sound, which costs more with some models.

    `prompt_units` is the maximum prompt length in UTF-16 units, which is the strictest interpretation where the API
    says "characters". `parameters`: the optional parameters of its schema.
    """

    sizes: Sizes
    seconds: Sequence[int]
    prompt_units: int
    credits_per_second: int
    parameters: Parameters = NO_PARAMETERS

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Return a clip for each size and duration, with its price in US dollars."""
        rate = self.credits_per_second * CREDIT_USD
        return tuple(Clip(*size, seconds, rate * seconds) for size in self.sizes for seconds in self.seconds)


_SEEDANCE_SIZES = (*_WIDE, (960, 960), (1112, 834))
_AUDIO = Parameters(sound="audio")

MODELS: Mapping[str, Model] = {
    "gen4.5": Model(_WIDE, range(2, 11), 1000, 12),
    "veo3.1": Model(_WIDE, (4, 6, 8), 1000, 20, _AUDIO),
    "veo3.1_fast": Model(_WIDE, (4, 6, 8), 1000, 10, _AUDIO),
    "happyhorse_1_0": Model((*_WIDE, (960, 960), (1108, 832)), range(3, 16), 2500, 15),
    "gemini_omni_flash": Model(_WIDE, range(3, 11), 4000, 10),
    "seedance2": Model(_SEEDANCE_SIZES, range(4, 16), 3500, 36, _AUDIO),
    "seedance2_fast": Model(_SEEDANCE_SIZES, range(4, 16), 3500, 29, _AUDIO),
    "seedance2_mini": Model(_SEEDANCE_SIZES, range(4, 16), 3500, 16, _AUDIO),
    "seedance2_5": Model(_SEEDANCE_SIZES, range(4, 31), 15000, 30, _AUDIO),
}
"""Models by name, from the schemas of `POST /v1/text_to_video` and the pricing page; the first is the default."""


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
