"""Fetches a provider's result: streaming, of bounded size, from allowed hosts only, resumed where it was cut off."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from videojobs.ports.videos import ReportProgress

MAXIMUM_BYTES = 500_000_000
"""More than any provider makes in one generation, and what fits beside its neighbours into render's scratch space."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a result lies at the moment; the headers go to that host alone."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def download(
    locate: Callable[[], Source],
    path: Path,
    *,
    allowed_hosts: Collection[str],
    on_progress: ReportProgress,
    maximum_bytes: int = MAXIMUM_BYTES,
) -> None:
    """Write the result to `path`; `locate` is asked for a fresh URL when one has expired."""
    raise NotImplementedError
