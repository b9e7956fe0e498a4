"""Offer of fal. The inputs of the models are documented at `https://fal.ai/models/{id}/api`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from videojobs.adapters.offers.options import ADD_MODEL, read_model
from videojobs.adapters.offers.parameters import ALL, NO_PARAMETERS, WIDE, WIDE_AND_SQUARE, Parameters
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.domain.request import AspectRatio, Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit

POLL_SECONDS = 5.0
RESULT_LIFETIME = timedelta(days=1)
"""Requested lifetime of results, which fal otherwise chooses: https://docs.fal.ai/model-endpoints/media-expiration."""


@dataclass(frozen=True, slots=True)
class Model:
    """Aspect ratios, durations, resolutions and parameters of a model, and its longest prompt."""

    ratios: Sequence[AspectRatio]
    seconds: Mapping[int, str]
    parameters: Parameters = NO_PARAMETERS
    resolutions: Sequence[Resolution] = (Resolution.P720,)
    prompt_limit: PromptLimit | None = None


_VEO = Parameters("resolution", "generate_audio", "seed", "negative_prompt")

MODELS: Mapping[str, Model] = {
    "fal-ai/bytedance/seedance/v1/pro/text-to-video": Model(
        ALL,
        {seconds: str(seconds) for seconds in range(2, 13)},
        Parameters("resolution", seed="seed"),
        tuple(Resolution),
    ),
    "fal-ai/kling-video/v2.5-turbo/pro/text-to-video": Model(
        WIDE_AND_SQUARE,
        {5: "5", 10: "10"},
        Parameters(negative_prompt="negative_prompt"),
        prompt_limit=PromptLimit(2500, Counting.CODE_POINTS),
    ),
    "fal-ai/veo3.1/fast": Model(WIDE, {4: "4s", 6: "6s", 8: "8s"}, _VEO, (Resolution.P720, Resolution.P1080)),
}
"""Supported models by ID; the first is the default.

The parameters are those of the inputs in fal's own client, `libs/client/src/types/endpoints.ts` of
https://github.com/fal-ai/fal-js at 381105e1 (2026-08-02). Kling's are at
https://fal.ai/models/fal-ai/kling-video/v2.5-turbo/pro/text-to-video/llms.txt.
"""


def read_model_id(options: Mapping[str, Any]) -> str:
    """Return the ID of the model; raise `ValueError` if it is unknown."""
    return read_model(options, "fal", MODELS, advice=ADD_MODEL)


def read_offer(options: Mapping[str, Any]) -> Capabilities:
    """Return the capabilities of the model; raise `ValueError` if it is unknown."""
    model = MODELS[read_model_id(options)]
    return Capabilities(
        yields_pixels=True,
        can_cancel=True,
        unknown_submit=UnknownSubmit.FAIL,
        clips=model.parameters.clips(model.ratios, model.seconds, model.resolutions),
        prompt_limit=model.prompt_limit,
        poll_seconds=POLL_SECONDS,
        calls_back=True,
        result_lifetime=RESULT_LIFETIME,
        takes_seed=model.parameters.seed is not None,
        takes_negative_prompt=model.parameters.negative_prompt is not None,
    )
