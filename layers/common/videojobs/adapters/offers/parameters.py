"""Names of a model's parameters, clips for them, and aspect ratios by the size of a clip."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from videojobs.domain.plan import SIZES, Clip
from videojobs.domain.request import AspectRatio, Resolution
from videojobs.ports.videos import GenerationRequest

RATIOS: Mapping[tuple[int, int], str] = {size: ratio.value for sizes in SIZES.values() for ratio, size in sizes.items()}
"""Aspect ratio by size, for APIs that take a ratio and a resolution, and document no size in pixels."""
ALL = tuple(AspectRatio)
WIDE = (AspectRatio.LANDSCAPE, AspectRatio.PORTRAIT)
WIDE_AND_SQUARE = (*WIDE, AspectRatio.SQUARE)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names of the optional parameters that a provider documents for a model; None for one that it does not document.

    A parameter without a name is never sent.
    """

    resolution: str | None = None
    sound: str | None = None
    seed: str | None = None
    negative_prompt: str | None = None

    def of(self, request: GenerationRequest, clip: Clip) -> dict[str, object]:
        """Return the parameters for a request. Seed and negative prompt are absent if the request has none."""
        values = (
            (self.resolution, clip.resolution.value),
            (self.sound, clip.has_sound),
            (self.seed, request.seed),
            (self.negative_prompt, request.negative_prompt),
        )
        return {name: value for name, value in values if name is not None and value is not None}

    def clips(
        self, ratios: Iterable[AspectRatio], seconds: Iterable[float], resolutions: Iterable[Resolution]
    ) -> tuple[Clip, ...]:
        """Return a clip without a price for each resolution, ratio and duration, with and without sound if named."""
        return tuple(
            Clip(*SIZES[resolution][ratio], length, resolution=resolution, has_sound=has_sound)
            for resolution in resolutions
            for ratio in ratios
            for length in seconds
            for has_sound in ((False, True) if self.sound else (False,))
        )


NO_PARAMETERS = Parameters()
"""Those of a model without optional parameters."""
