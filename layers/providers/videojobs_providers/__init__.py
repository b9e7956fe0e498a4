"""Video providers, one module each. A module is imported only when its provider is used."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from videojobs.adapters.offers import AI_PROVIDERS
from videojobs.ports.videos import VideoProvider

if TYPE_CHECKING:
    from videojobs_providers.rest.setup import ProviderSetup

__all__ = ["AI_PROVIDERS", "find_ai_provider"]


def find_ai_provider(name: str) -> "Callable[[ProviderSetup], VideoProvider] | None":
    """Return the factory of the AI provider with this name, or None; import its module."""
    make: Callable[[ProviderSetup], VideoProvider]
    match name:
        case "fal":
            from videojobs_providers.fal import FalProvider

            make = FalProvider
        case "replicate":
            from videojobs_providers.replicate import ReplicateProvider

            make = ReplicateProvider
        case "runway":
            from videojobs_providers.runway import RunwayProvider

            make = RunwayProvider
        case "openai_compatible":
            from videojobs_providers.openai_compatible import OpenaiCompatibleProvider

            make = OpenaiCompatibleProvider
        case "luma":
            from videojobs_providers.luma import LumaProvider

            make = LumaProvider
        case "veo":
            from videojobs_providers.veo import VeoProvider

            make = VeoProvider
        case "bedrock":
            from videojobs_providers.bedrock import BedrockProvider

            make = BedrockProvider
        case _:
            return None
    return make
