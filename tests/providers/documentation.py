"""Writes the tables of docs/providers.md from what the adapters can do: `python -m tests.providers.documentation`."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from videojobs.adapters.providers import AI_PROVIDERS, find_ai_provider
from videojobs.adapters.rest.setup import ProviderSetup
from videojobs.domain.plan import Clip, plan_video
from videojobs.domain.production import MAXIMUM_PARTS
from videojobs.domain.request import AspectRatio
from videojobs.ports.videos import Capabilities, UnknownSubmit, VideoProvider

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "openai_compatible": {"baseUrl": "https://models.example.com/v1", "model": "a-model"},
    "veo": {"project": "a-project"},
    "bedrock": {"outputUri": "s3://a-bucket/bedrock"},
}
"""What those need that have no default; all else is as it comes."""
ASKED = (
    (8, AspectRatio.LANDSCAPE),
    (1, AspectRatio.SQUARE),
    (60, AspectRatio.CLASSIC),
    (23.5, AspectRatio.PORTRAIT),
)


def every_provider() -> dict[str, VideoProvider]:
    """An adapter of each AI provider, without a key."""

    def no_key(*, refresh: bool = False) -> Mapping[str, Any]:
        raise AssertionError(f"capabilities need no key (refresh={refresh})")

    made: dict[str, VideoProvider] = {}
    for name in AI_PROVIDERS:
        make = find_ai_provider(name)
        assert make is not None, name
        made[name] = make(ProviderSetup(no_key, OPTIONS.get(name, {})))
    return made


def tables() -> dict[str, str]:
    """The tables by the name of their place in the page."""
    known = {name: provider.capabilities for name, provider in every_provider().items()}
    return {"capabilities": _capabilities(known), "plans": _plans(known)}


def write(page: str) -> str:
    """The page with the tables of today."""
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}{table}{end}{after}"
    return page


def _capabilities(known: Mapping[str, Capabilities]) -> str:
    head = (
        "provider",
        "clips",
        "prompt",
        "cancel",
        "unknown submit",
        "asked every",
        "calls back",
        "result lives",
        "price",
    )
    return _table(head, (_row(name, each) for name, each in known.items()))


def _row(name: str, known: Capabilities) -> tuple[str, ...]:
    limit = known.prompt_limit
    idempotent = known.unknown_submit in {UnknownSubmit.REPEAT, UnknownSubmit.FIND}
    lifetime = known.result_lifetime
    return (
        f"`{name}`",
        _clips(known.clips or ()),
        f"{limit.length} {limit.counting}" if limit else "?",
        "yes" if known.can_cancel else "no",
        "repeated: one token, one task" if idempotent else "as `UnknownSubmit` says",
        f"{known.poll_seconds:g} s",
        "signed" if known.calls_back else "no",
        f"{lifetime.total_seconds() / 3600:g} h" if lifetime else "?",
        _price(known),
    )


def _clips(clips: tuple[Clip, ...]) -> str:
    def size(clip: Clip) -> tuple[int, int]:
        return clip.width, clip.height

    return "; ".join(
        f"{width}×{height}: {_seconds([clip.seconds for clip in made])}"
        for (width, height), made in groupby(sorted(clips, key=lambda clip: (size(clip), clip.seconds)), key=size)
    )


def _seconds(lengths: list[float]) -> str:
    whole = [int(length) for length in lengths if length == int(length)]
    if len(whole) == len(lengths) > 3 and whole == list(range(whole[0], whole[-1] + 1)):
        return f"{whole[0]}–{whole[-1]} s"
    return f"{', '.join(f'{length:g}' for length in lengths)} s"


def _price(known: Capabilities) -> str:
    rates = sorted({float(clip.price_usd) / clip.seconds for clip in known.clips or () if clip.price_usd is not None})
    if not rates:
        return "?"
    told = "–".join(dict.fromkeys(f"${rate:.2g}" for rate in (rates[0], rates[-1])))
    return f"{told} a second ({known.prices_as_of})"


def _plans(known: Mapping[str, Capabilities]) -> str:
    head = ("provider", *(f"{seconds:g} s {ratio}" for seconds, ratio in ASKED))
    return _table(head, ((f"`{name}`", *(_plan(each, *asked) for asked in ASKED)) for name, each in known.items()))


def _plan(known: Capabilities, seconds: float, ratio: AspectRatio) -> str:
    plan = plan_video(seconds, ratio, known.clips or (), maximum_clips=MAXIMUM_PARTS)
    if plan is None:
        return "refused"
    lengths = " + ".join(f"{clip.seconds:g}" for clip in plan.clips)
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
