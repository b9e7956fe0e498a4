"""A Protocol for secrets that can be rotated."""

from typing import Protocol


class ReadSecret(Protocol):
    """A function that returns a secret's value, or raises `Unavailable` if it can't be read and never was."""

    def __call__(self, *, refresh: bool = False) -> str:
        """Return the value; with `refresh`, read it again because the cached one was not accepted.

        Raises:
            Unavailable: If the secret was never read and can't be read now.
        """
        ...
