"""Conversion of productions and of stored objects, which are parts of the documents of jobs."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from videojobs.adapters.mongo.connection import Document
from videojobs.adapters.mongo.reading import to_flag, to_integer, to_list, to_number, to_text
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import Production
from videojobs.domain.request import Resolution
from videojobs.domain.storage import StoredObject


def optional[T](convert: Callable[[Any], T], value: object) -> T | None:
    """Return the converted value, or None for None."""
    return None if value is None else convert(value)


def from_object(stored: StoredObject) -> Document:
    """Return the document of a stored object."""
    return {"bucket": stored.bucket, "key": stored.key, "bytes": stored.size_bytes}


def to_object(value: Document) -> StoredObject:
    """Return a stored object; raise an error that `Fields` translates if it is malformed."""
    return StoredObject(to_text(value["bucket"]), to_text(value["key"]), to_integer(value["bytes"]))


def from_production(production: Production) -> Document:
    """Return the document of a production."""
    plan = production.plan
    return {
        "provider": production.provider,
        "clips": [_from_clip(clip) for clip in plan.clips],
        "crop": list(plan.crop),
        "width": plan.width,
        "height": plan.height,
        "frames": plan.frames,
        "isShortened": production.is_shortened,
        "pricesAsOf": production.prices_as_of and production.prices_as_of.isoformat(),
        "parts": [from_object(part) for part in production.parts],
        "actualUsd": None if production.actual_usd is None else str(production.actual_usd),
    }


def to_production(value: Document) -> Production:
    """Return a production; raise an error that `Fields` translates if it is malformed."""
    crop_width, crop_height = map(to_integer, to_list(value["crop"]))
    clips = tuple(map(_to_clip, to_list(value["clips"])))
    if not clips:
        raise ValueError("no clips")
    size = to_integer(value["width"]), to_integer(value["height"])
    return Production(
        provider=to_text(value["provider"]),
        plan=Plan(clips, (crop_width, crop_height), *size, to_integer(value["frames"])),
        is_shortened=value["isShortened"] is True,
        prices_as_of=optional(date.fromisoformat, value["pricesAsOf"]),
        parts=tuple(map(to_object, to_list(value["parts"]))),
        actual_usd=optional(_to_amount, value["actualUsd"]),
    )


def _to_amount(value: object) -> Decimal:
    amount = Decimal(to_text(value))
    if not amount.is_finite():
        raise ValueError("not an amount")
    return amount


def _from_clip(clip: Clip) -> Document:
    price = None if clip.price_usd is None else str(clip.price_usd)
    document = {"width": clip.width, "height": clip.height, "seconds": clip.seconds, "priceUsd": price}
    # Absent in the documents of releases that made only 720p without sound.
    resolution = {} if clip.resolution is Resolution.P720 else {"resolution": str(clip.resolution)}
    return document | resolution | ({"sound": True} if clip.has_sound else {})


def _to_clip(value: Document) -> Clip:
    size = to_integer(value["width"]), to_integer(value["height"])
    price = optional(_to_amount, value["priceUsd"])
    resolution = Resolution(value.get("resolution", Resolution.P720))
    return Clip(*size, to_number(value["seconds"]), price, resolution, to_flag(value.get("sound", False)))
