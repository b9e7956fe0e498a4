"""What knows the signatures of the providers that call back, a module for each way of signing."""

from typing import TYPE_CHECKING

from videojobs.adapters.rest.setup import ReadKey

if TYPE_CHECKING:
    from videojobs.ports.callbacks import CallbackVerifier


def make_verifier(name: str, read_key: ReadKey) -> "CallbackVerifier":
    """That of one of `ports.callbacks.CALLBACK_PROVIDERS`."""
    if name == "fal":
        from videojobs.adapters.callbacks.fal import FalVerifier

        return FalVerifier()
    from videojobs.adapters.callbacks.standard import StandardVerifier

    return StandardVerifier(name, read_key)
