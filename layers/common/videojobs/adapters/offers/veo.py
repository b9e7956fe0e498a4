"""Offer of Veo on Vertex AI.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation
"""

from collections.abc import Mapping
from typing import Any

from videojobs.adapters.offers.parameters import WIDE, Parameters
from videojobs.domain.request import Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit

SECONDS = (4, 6, 8)
SECONDS_AT_1080P = (8,)
"""Google's pages disagree on shorter ones: https://github.com/ArcReel/ArcReel/issues/1333 (2026-07-26)."""
PARAMETERS = Parameters("resolution", "generateAudio", "seed", "negativePrompt")
"""Also in https://github.com/googleapis/python-genai at 66807187 (2026-08-21), `GenerateVideosConfig`."""
POLL_SECONDS = 10.0


def read_offer(_options: Mapping[str, Any]) -> Capabilities:
    """Return the capabilities, which are the same for all models."""
    return Capabilities(
        yields_pixels=True,
        can_cancel=False,
        unknown_submit=UnknownSubmit.FAIL,
        clips=(
            *PARAMETERS.clips(WIDE, SECONDS, (Resolution.P720,)),
            *PARAMETERS.clips(WIDE, SECONDS_AT_1080P, (Resolution.P1080,)),
        ),
        poll_seconds=POLL_SECONDS,
        takes_seed=PARAMETERS.seed is not None,
        takes_negative_prompt=PARAMETERS.negative_prompt is not None,
    )
