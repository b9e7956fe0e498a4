"""Offers of the providers: what each can make with its options, as data that the API and the adapters share.

The modules import no HTTP client, because functions without the layer of the providers read them too. A module is
imported only when its provider is used.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from videojobs.ports.videos import Capabilities

AI_PROVIDERS = ("fal", "replicate", "runway", "openai_compatible", "luma", "veo", "bedrock")


def find_offer(name: str, options: Mapping[str, Any]) -> Capabilities | None:
    """Return the capabilities of the provider with this name and these options, or None for an unknown name.

    Raises:
        ValueError: If an option that determines the capabilities is malformed, or the model is unknown.
    """
    if name in AI_PROVIDERS:
        offer: Capabilities = import_module(f"videojobs.adapters.offers.{name}").read_offer(options)
        return offer
    from videojobs.adapters.offers.built_in import SIMULATED, SKETCH

    return {"sketch": SKETCH, "simulated": SIMULATED}.get(name)
