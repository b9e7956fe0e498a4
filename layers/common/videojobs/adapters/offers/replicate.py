"""Offer of Replicate. The inputs of the models are documented at `https://replicate.com/{owner}/{name}/api`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from videojobs.adapters.offers.options import ADD_MODEL, read_model
from videojobs.adapters.offers.parameters import ALL, NO_PARAMETERS, WIDE, WIDE_AND_SQUARE, Parameters
from videojobs.domain.request import AspectRatio, Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit

POLL_SECONDS = 5.0
RESULT_LIFETIME = timedelta(hours=1)
"""Lifetime of predictions created through the API.

https://replicate.com/docs/topics/predictions/data-retention
"""


@dataclass(frozen=True, slots=True)
class Model:
    """Aspect ratios, durations in whole seconds, resolutions and parameters of a model; `constants` are always sent."""

    ratios: Sequence[AspectRatio]
    seconds: Sequence[int]
    parameters: Parameters = NO_PARAMETERS
    resolutions: Sequence[Resolution] = (Resolution.P720,)
    constants: Mapping[str, object] = field(default_factory=dict)


MODELS: Mapping[str, Model] = {
    "bytedance/seedance-1-pro": Model(
        ALL, range(2, 13), Parameters("resolution", seed="seed"), tuple(Resolution), {"fps": 24}
    ),
    "kwaivgi/kling-v2.5-turbo-pro": Model(WIDE_AND_SQUARE, (5, 10), Parameters(negative_prompt="negative_prompt")),
    "google/veo-3.1-fast": Model(WIDE, (4, 6, 8), Parameters(resolution="resolution", sound="generate_audio")),
}
"""Supported models by name; the first is the default. Replicate documents no sizes in pixels.

The inputs are at https://replicate.com/bytedance/seedance-1-pro/versions/a5fd5508 and
https://replicate.com/kwaivgi/kling-v2.5-turbo-pro/versions/18f41bfc. The resolutions of Seedance are from a
copy of 2026-10-06. Seed, negative prompt and 1080p of Veo are not verified, so they are not offered.
"""


def read_model_name(options: Mapping[str, Any]) -> str:
    """Return the name of the model; raise `ValueError` if it is unknown."""
    return read_model(options, "replicate", MODELS, advice=ADD_MODEL)


def read_offer(options: Mapping[str, Any]) -> Capabilities:
    """Return the capabilities of the model; raise `ValueError` if it is unknown."""
    model = MODELS[read_model_name(options)]
    return Capabilities(
        yields_pixels=True,
        can_cancel=True,
        unknown_submit=UnknownSubmit.FAIL,
        clips=model.parameters.clips(model.ratios, model.seconds, model.resolutions),
        poll_seconds=POLL_SECONDS,
        calls_back=True,
        result_lifetime=RESULT_LIFETIME,
        takes_seed=model.parameters.seed is not None,
        takes_negative_prompt=model.parameters.negative_prompt is not None,
    )
