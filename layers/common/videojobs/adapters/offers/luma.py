"""Offer of Luma Agents: https://docs.agents.lumalabs.ai/api/resources/generations.

It has no seed, negative prompt or sound: https://github.com/lumalabs/luma-agents-python at 38837df1 (2026-06-09).
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from videojobs.adapters.offers.options import read_model
from videojobs.adapters.offers.parameters import ALL
from videojobs.domain.plan import SIZES, Clip
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.domain.request import Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit

MODELS = ("ray-3.2",)
POLL_SECONDS = 5.0
URL_LIFETIME = timedelta(hours=1)
"""Lifetime of a presigned URL; each read of a generation returns a new URL."""
MAXIMUM_PROMPT_CHARACTERS = 6000
PRICES_AS_OF = date(2026, 10, 8)
"""Date of the prices, which depend on resolution and duration (standard dynamic range).

https://docs.agents.lumalabs.ai/guides/pricing/
"""
DURATIONS: Mapping[float, str] = {5: "5s", 10: "10s"}
"""API value by a clip's duration in seconds."""
PRICES: Mapping[Resolution, Mapping[float, Decimal]] = {
    Resolution.P720: {5: Decimal("0.30"), 10: Decimal("0.90")},
    Resolution.P1080: {5: Decimal("1.20"), 10: Decimal("3.60")},
}
"""Price in US dollars by resolution and duration."""


def read_model_name(options: Mapping[str, Any]) -> str:
    """Return the name of the model; raise `ValueError` if it is unknown."""
    return read_model(options, "luma", MODELS)


def read_offer(options: Mapping[str, Any]) -> Capabilities:
    """Return the capabilities of the model; raise `ValueError` if it is unknown."""
    read_model_name(options)
    return Capabilities(
        yields_pixels=True,
        can_cancel=False,
        unknown_submit=UnknownSubmit.FAIL,
        clips=tuple(
            Clip(*SIZES[resolution][ratio], seconds, price, resolution)
            for resolution, prices in PRICES.items()
            for ratio in ALL
            for seconds, price in prices.items()
        ),
        prompt_limit=PromptLimit(MAXIMUM_PROMPT_CHARACTERS, Counting.CODE_POINTS),
        poll_seconds=POLL_SECONDS,
        result_lifetime=URL_LIFETIME,
        prices_as_of=PRICES_AS_OF,
    )
