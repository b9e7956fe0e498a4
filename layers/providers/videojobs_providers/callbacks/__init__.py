"""Verifiers of callback signatures, with one module per signature scheme."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from videojobs_providers.rest.setup import ReadKey

if TYPE_CHECKING:
    from videojobs.ports.callbacks import CallbackVerifier


def make_verifier(name: str, read_key: ReadKey, options: Mapping[str, Any]) -> "CallbackVerifier":
    """Return the verifier of a provider's callbacks.

    `name` is one of `ports.callbacks.CALLBACK_PROVIDERS`. `read_key` returns the provider's secret; fal's verifier does
    not use it. `options` are the provider's; only fal's `webhookUserId` is used.
    """
    if name == "fal":
        from videojobs_providers.callbacks.fal import FalVerifier

        return FalVerifier(user_id=options.get("webhookUserId"))
    from videojobs_providers.callbacks.standard import StandardVerifier

    return StandardVerifier(name, read_key)
