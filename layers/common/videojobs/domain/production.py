"""A plan under way: which provider makes the video of a job in which parts, how far it is, and what it costs."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Self

from videojobs.domain.plan import Plan
from videojobs.domain.storage import StoredObject

MAXIMUM_PARTS = 12
"""Sixty seconds of the shortest that is worth having: parts of six seconds less their cross-fades."""


@dataclass(frozen=True, slots=True)
class Production:
    """What is made part by part, each a generation of its own; `parts` lie in the bucket, in order.

    `is_shortened`: the provider takes shorter prompts, and some of the user's words had to go. `prices_as_of`: when the
    prices of the estimate were read. `actual_usd`: what the provider said that the parts have cost, where it tells.
    """

    provider: str
    plan: Plan
    is_shortened: bool = False
    prices_as_of: date | None = None
    parts: tuple[StoredObject, ...] = ()
    actual_usd: Decimal | None = None

    @property
    def part(self) -> int:
        """The number of the part that is made now, from 1."""
        return len(self.parts) + 1

    @property
    def is_at_last_part(self) -> bool:
        """Whether no part comes after this one."""
        return self.part >= len(self.plan.clips)

    @property
    def cost_usd(self) -> Decimal | None:
        """What the provider said, else what was estimated; None: nothing is published."""
        return self.plan.price_usd if self.actual_usd is None else self.actual_usd

    def progress(self, part_progress: float | None) -> float:
        """How much of all parts is made (0–1), with this one so far."""
        return (len(self.parts) + (part_progress or 0.0)) / len(self.plan.clips)

    def paid(self, cost_usd: Decimal | None) -> Self:
        """With what one more generation has cost."""
        if cost_usd is None:
            return self
        return replace(self, actual_usd=(self.actual_usd or Decimal(0)) + cost_usd)

    def with_part(self, stored: StoredObject) -> Self:
        """With one more part in the bucket."""
        return replace(self, parts=(*self.parts, stored))
