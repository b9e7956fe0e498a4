"""Generator of the capability tables in docs/providers.md: `python -m tests.providers.documentation`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from videojobs.adapters.offers import fal, find_offer, replicate, runway
from videojobs.domain.plan import Clip, plan_video, select_clips
from videojobs.domain.production import MAXIMUM_PARTS
from videojobs.domain.request import AspectRatio, Resolution
from videojobs.ports.videos import Capabilities, UnknownSubmit, VideoProvider
from videojobs_providers import AI_PROVIDERS, find_ai_provider
from videojobs_providers.rest.setup import ProviderSetup

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "openai_compatible": {"baseUrl": "https://models.example.com/v1", "model": "a-model"},
    "veo": {"project": "a-project"},
    "bedrock": {"outputUri": "s3://a-bucket/bedrock"},
}
"""Required options of the providers that have any; all options with a default are left out."""
ASKED = ((8, AspectRatio.LANDSCAPE), (1, AspectRatio.SQUARE), (60, AspectRatio.CLASSIC))


def every_provider() -> dict[str, VideoProvider]:
    """Return an adapter of each AI provider by name. Reading its key raises `AssertionError`."""

    def no_key(*, refresh: bool = False) -> Mapping[str, Any]:
        raise AssertionError(f"capabilities need no key (refresh={refresh})")

    providers: dict[str, VideoProvider] = {}
    for name in AI_PROVIDERS:
        make = find_ai_provider(name)
        assert make is not None, name
        providers[name] = make(ProviderSetup(no_key, OPTIONS.get(name, {})))
    return providers


def tables() -> dict[str, str]:
    """Return the tables in Markdown, by the name of their markers in the page."""
    known = {name: provider.capabilities for name, provider in every_provider().items()}
    return {"capabilities": _capabilities(known), "options": _options(known), "plans": _plans(known)}


def write(page: str) -> str:
    """Return the page with its tables replaced by the current ones."""
    for name, table in tables().items():
        begin, end = f"<!-- generated: begin {name} -->\n", f"<!-- generated: end {name} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}{table}{end}{after}"
    return page


def _capabilities(known: Mapping[str, Capabilities]) -> str:
    columns = "provider, clips, prompt, cancel, unknown submit, callbacks, result kept for, price"
    return _table(tuple(columns.split(", ")), (_row(name, capabilities) for name, capabilities in known.items()))


def _row(name: str, known: Capabilities) -> tuple[str, ...]:
    limit = known.prompt_limit
    idempotent = known.unknown_submit in {UnknownSubmit.REPEAT, UnknownSubmit.FIND}
    lifetime = known.result_lifetime
    return (
        f"`{name}`",
        _clips(select_clips(known.clips or (), Resolution.P720, has_sound=False)),
        f"{limit.length} {limit.counting}" if limit else "?",
        "yes" if known.can_cancel else "no",
        "repeated" if idempotent else "`UnknownSubmit`",
        "signed" if known.calls_back else "no",
        f"{lifetime.total_seconds() / 3600:g} h" if lifetime else "?",
        _price(known),
    )


def _clips(clips: Iterable[Clip]) -> str:
    lengths: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: (clip.width, clip.height, clip.seconds)):
        lengths[clip.width, clip.height].append(clip.seconds)
    sizes: defaultdict[str, list[str]] = defaultdict(list)
    for (width, height), seconds in lengths.items():
        sizes[_seconds(seconds)].append(f"{width}×{height}")
    return "; ".join(f"{seconds}: {', '.join(names)}" for seconds, names in sizes.items())


def _seconds(lengths: list[float]) -> str:
    whole = [int(length) for length in lengths if length == int(length)]
    if len(whole) == len(lengths) > 3 and whole == list(range(whole[0], whole[-1] + 1)):
        return f"{whole[0]}–{whole[-1]} s"
    return f"{', '.join(f'{length:g}' for length in lengths)} s"


def _price(known: Capabilities) -> str:
    price = _rates(select_clips(known.clips or (), Resolution.P720, has_sound=False))
    return (price and f"{price} per second ({known.prices_as_of})") or "?"


def _rates(clips: Iterable[Clip]) -> str:
    rates = sorted({float(clip.price_usd) / clip.seconds for clip in clips if clip.price_usd is not None})
    return "–".join(dict.fromkeys(f"${rate:.2g}" for rate in (rates[0], rates[-1]))) if rates else ""


def _options(known: Mapping[str, Capabilities]) -> str:
    """Return the table of what each model can honour, with the price per second of each resolution."""
    head = ("provider", "model", *Resolution, "seed", "negativePrompt", "sound")
    models = {
        "fal": fal.MODELS,
        "replicate": replicate.MODELS,
        "runway": runway.MODELS,
    }
    rows = [
        (name, model, find_offer(name, {"model": model} if model else {}) if name in models else capabilities)
        for name, capabilities in known.items()
        for model in models.get(name, ("",))
    ]
    return _table(head, (_options_row(name, model, offer) for name, model, offer in rows if offer))


def _options_row(name: str, model: str, offer: Capabilities) -> tuple[str, ...]:
    made = (
        select_clips(offer.clips or (), it, has_sound=False) if it in offer.resolutions else None for it in Resolution
    )
    sound = [clip for clip in offer.clips or () if clip.has_sound]
    return (
        f"`{name}`",
        f"`{model}`" if model else "any",
        *("no" if clips is None else _rates(clips) or "yes" for clips in made),
        "yes" if offer.takes_seed else "no",
        "yes" if offer.takes_negative_prompt else "no",
        (_rates(sound) or "yes") if sound else "no",
    )


def _plans(known: Mapping[str, Capabilities]) -> str:
    head = ("provider", *(f"{seconds:g} s {ratio}" for seconds, ratio in ASKED))
    rows = ((f"`{name}`", *(_plan(capabilities, *asked) for asked in ASKED)) for name, capabilities in known.items())
    return _table(head, rows)


def _plan(known: Capabilities, seconds: float, ratio: AspectRatio) -> str:
    plan = plan_video(seconds, ratio, known.clips or (), maximum_clips=MAXIMUM_PARTS)
    if plan is None:
        return "refused"
    groups = [(seconds, len(list(group))) for seconds, group in groupby(clip.seconds for clip in plan.clips)]
    lengths = " + ".join(f"{count} × {seconds:g}" if count > 1 else f"{seconds:g}" for seconds, count in groups)
    first = plan.clips[0]
    size = f"{first.width}×{first.height}"
    crop = "" if plan.crop == (first.width, first.height) else f", crop {plan.crop[0]}×{plan.crop[1]}"
    scale = "" if plan.crop == (plan.width, plan.height) else f" → {plan.width}×{plan.height}"
    cost = "" if plan.price_usd is None else f", ${plan.price_usd:.2f}"
    return f"{lengths} s of {size}{crop}{scale}{cost}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(write(PAGE.read_text()))
