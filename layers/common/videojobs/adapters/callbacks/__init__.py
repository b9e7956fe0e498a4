"""Verifiers of callback signatures, with one module per signature scheme."""

from typing import TYPE_CHECKING

from videojobs.adapters.rest.setup import ReadKey

if TYPE_CHECKING:
    from videojobs.ports.callbacks import CallbackVerifier


def make_verifier(name: str, read_key: ReadKey) -> "CallbackVerifier":
    """Return the verifier of a provider's callbacks.

    `name` is one of `ports.callbacks.CALLBACK_PROVIDERS`. `read_key` returns the provider's secret; fal's verifier does
    not use it.
    """
    if name == "fal":
        from videojobs.adapters.callbacks.fal import FalVerifier

        return FalVerifier()
    from videojobs.adapters.callbacks.standard import StandardVerifier

    return StandardVerifier(name, read_key)
