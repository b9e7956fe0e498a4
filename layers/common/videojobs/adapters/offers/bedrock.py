"""Offer of Luma's Ray on Amazon Bedrock, whose request has neither a seed nor a negative prompt.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-luma.html
"""

from collections.abc import Mapping
from typing import Any

from videojobs.adapters.offers.parameters import ALL, Parameters
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.domain.request import Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit

PARAMETERS = Parameters(resolution="resolution")
RESOLUTIONS = (Resolution.P720,)
POLL_SECONDS = 10.0
MAXIMUM_PROMPT_CHARACTERS = 5000
DURATIONS: Mapping[float, str] = {5: "5s", 9: "9s"}


def read_offer(_options: Mapping[str, Any]) -> Capabilities:
    """Return the capabilities, which are the same for all models of the family."""
    return Capabilities(
        yields_pixels=True,
        can_cancel=False,
        unknown_submit=UnknownSubmit.REPEAT,
        clips=PARAMETERS.clips(ALL, DURATIONS, RESOLUTIONS),
        prompt_limit=PromptLimit(MAXIMUM_PROMPT_CHARACTERS, Counting.CODE_POINTS),
        poll_seconds=POLL_SECONDS,
    )
