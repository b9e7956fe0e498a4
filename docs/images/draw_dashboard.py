"""Draws the body of a CloudWatch dashboard from what was measured of a run of the local system.

CloudWatch draws it otherwise. What stands where, which metrics a widget shows, what is reckoned of them and when an
alarm fires is the definition's. A widget says so where the local AWS does not measure what it shows.
"""  # noqa: INP001 - belongs to a script

import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from localcloud.alarm_states import fires, queries_of
from localcloud.measures import STACK, Measures, Metric
from localcloud.metric_math import evaluate

BUCKET = 15
"""Seconds that one point stands for; on AWS a minute or more."""
UNMEASURED = {"Errors", "Throttles", "ConnectCount", "MessageCount", "ClientError", "ExecutionError", "WebhooksGivenUp"}
"""What the local AWS leaves no trace of."""
WIDTH, ROW, DPI, QUALITY = 1680, 38, 100, 60
RED, GREEN, GREY, BLUE = "#d13212", "#037f0c", "#5f6b7a", "#0972d3"
LOOK = {"font.size": 7, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GREY}
SEARCH = re.compile(r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\".*', '(\w+)', \d+\)")

type Span = tuple[float, float]
type Series = tuple[str, list[float | None], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Picture:
    """What was measured between two times, for the template's resources."""

    measures: Measures
    since: float
    until: float
    resources: Mapping[str, Any]

    def save(self, body: Mapping[str, Any], words: str, path: Path) -> None:
        """Draw the whole dashboard, and below it how it came about."""
        mpl.rcParams.update(LOOK)
        rows = max(widget["y"] + widget["height"] for widget in body["widgets"]) + 1
        figure = plt.figure(figsize=(WIDTH / DPI, rows * ROW / DPI), facecolor="#f2f3f3")
        for widget in body["widgets"]:
            left, width = widget["x"] / 24, widget["width"] / 24
            bottom, height = 1 - (widget["y"] + widget["height"]) / rows, widget["height"] / rows
            card = figure.add_axes((left + 0.002, bottom + 0.002, width - 0.004, height - 0.004), facecolor="white")
            card.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))
            card.spines[:].set_visible(False)
            if widget["type"] == "text":
                draw_text(card, widget["properties"]["markdown"].replace(STACK, "videojobs"), widget["width"])
                continue
            card.text(0.03, 1 - 0.25 / widget["height"], widget["properties"]["title"], weight="bold", va="top")
            if widget["type"] == "alarm":
                self.draw_alarms(card, widget["properties"]["alarms"])
            elif widget["properties"]["view"] == "singleValue":
                self.draw_values(card, widget["properties"])
            else:
                place = (left + 0.022, bottom + 1.1 / rows, width - 0.044, height - 2.0 / rows)
                self.draw_lines(figure.add_axes(place), card, widget["properties"])
        figure.text(0.5, 0.5 / rows, words, ha="center", va="center", color=GREY)
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=DPI)
        Image.open(drawn).convert("RGB").save(path, quality=QUALITY, method=6)

    def draw_values(self, card: Axes, properties: Mapping[str, Any]) -> None:
        """Numbers of the whole time."""
        shown = [(label, values[0]) for label, values, _ in self.read(properties, [(self.since, self.until)])]
        for position, (label, value) in enumerate(shown):
            x = (position + 0.5) / len(shown)
            card.text(x, 0.45, "–" if value is None else f"{value:.4g}", ha="center", va="center", fontsize=17)
            card.text(x, 0.12, label, ha="center", va="center", color=GREY)

    def draw_lines(self, axes: Axes, card: Axes, properties: Mapping[str, Any]) -> None:
        """Lines over the minutes, or areas on each other; and where alarms fire."""
        edges = [self.since + BUCKET * number for number in range(int((self.until - self.since) / BUCKET))]
        minutes = [(edge - self.since) / 60 for edge in edges]
        # What is summed over five minutes or more is so here too, at each point over those before it.
        length = properties["period"] if properties["period"] > 60 else BUCKET
        found = self.read(properties, [(edge + BUCKET - length, edge + BUCKET) for edge in edges])
        shown = [each for each in found if any(value is not None for value in each[1])]
        if not shown:
            axes.set_axis_off()
            names = {entry[1] for entry in properties["metrics"] if len(entry) > 1}
            words = "not measured here" if names & UNMEASURED else "there was none"
            card.text(0.5, 0.45, words, ha="center", color=GREY)
            return
        right = axes.twinx() if any(options.get("yAxis") == "right" for _, _, options in shown) else None
        if properties.get("stacked"):
            heights = [[value or 0 for value in values] for _, values, _ in shown]
            axes.stackplot(minutes, heights, labels=[label for label, _, _ in shown], alpha=0.75)
        for number, (label, values, options) in enumerate([] if properties.get("stacked") else shown):
            points = [(x, value) for x, value in zip(minutes, values, strict=True) if value is not None]
            is_right = right is not None and options.get("yAxis") == "right"
            style = {"color": options.get("color", f"C{number}"), "lw": 1, "marker": ".", "ms": 2.5}
            words = f"{label} (right)" if is_right else label
            (right if is_right else axes).plot(*zip(*points, strict=True), label=words, **style)
        for line in properties.get("annotations", {}).get("horizontal", ()):
            axes.axhline(line["value"], color=RED, lw=0.8, ls="--")
            axes.text(0, line["value"], f" {line['label']}", color=RED, va="bottom", fontsize=6)
        both = [axes] if right is None else [axes, right]
        for each in both:
            each.set_ylim(bottom=0)
            each.set_xlim(0, minutes[-1])
            each.tick_params(labelsize=6, length=2, colors=GREY)
            each.locator_params(axis="y", nbins=4)
        handles = [handle for each in both for handle in each.get_legend_handles_labels()[0]]
        compact = {"fontsize": 5.5, "frameon": False, "borderpad": 0.1, "columnspacing": 0.8, "handlelength": 1}
        beside = min(len(handles), 4, 66 // max(len(handle.get_label()) for handle in handles))
        card.legend(handles=handles, loc="lower left", ncols=max(beside, 1), **compact)

    def read(self, properties: Mapping[str, Any], spans: Sequence[Span]) -> Iterator[Series]:
        """What a widget shows: label, a value for each span of time, and options."""
        values: dict[str, list[float | None]] = {}
        shown: list[tuple[str, str, Mapping[str, Any]]] = []
        for number, entry in enumerate(properties["metrics"]):
            options = entry[-1] if isinstance(entry[-1], dict) else {}
            name = options.get("id", f"m{number}")
            if "expression" not in options:
                words = [each for each in entry if isinstance(each, str)]
                metric = Metric.of(words[0], words[1], dict(zip(words[2::2], words[3::2], strict=True)))
                stat = options.get("stat", properties.get("stat", "Average"))
                values[name] = [self.measures.statistic(metric, stat, *span) for span in spans]
            elif SEARCH.match(options["expression"]):
                yield from self.search(options["expression"], spans)
                continue
            if options.get("visible", True):
                shown.append((options.get("label", name), options.get("expression", name), options))
        for label, expression, options in shown:
            at = [{name: each[number] for name, each in values.items()} for number in range(len(spans))]
            yield label, [evaluate(expression, known) for known in at], options

    def search(self, expression: str, spans: Sequence[Span]) -> Iterator[Series]:
        """A search's metrics, each called by what tells it from the others."""
        for namespace, dimensions, name, stat in SEARCH.findall(expression):
            for metric in self.measures.search(namespace, name, dimensions.split(",")):
                label = " ".join(value for key, value in sorted(metric.dimensions, reverse=True) if key != "Stack")
                yield label, [self.measures.statistic(metric, stat, *span) for span in spans], {}

    def draw_alarms(self, card: Axes, arns: Sequence[str]) -> None:
        """Each with its state at the end, as its own definition has it."""
        by_name = {
            each["Properties"]["AlarmName"]["Fn::Sub"].removeprefix(f"{STACK}-"): each["Properties"]
            for each in self.resources.values()
            if "AlarmName" in each.get("Properties", {})
        }
        lines = -(-len(arns) // 2)
        for position, name in enumerate(arn.removeprefix("${Alarm}-") for arn in arns):
            state = self.state(by_name[name])
            x, y = 0.03 + position // lines / 2, 0.86 - 0.86 * (position % lines) / lines
            color = {"OK": GREEN, "ALARM": RED}.get(state, GREY)
            card.text(x, y, "●", color=color, va="top")
            card.text(x + 0.03, y, f"{name}  {state}", va="top", color=RED if state == "ALARM" else "black")

    def state(self, alarm: Mapping[str, Any]) -> str:
        """OK or ALARM; or that it stands on what is not measured here."""
        if "AlarmRule" in alarm:
            parts = re.findall(r"\$\{(\w+)\}", alarm["AlarmRule"]["Fn::Sub"])
            fast, still, slow, lately = (self.state(self.resources[part]["Properties"]) == "ALARM" for part in parts)
            return "ALARM" if (fast and still) or (slow and lately) else "OK"
        values: dict[str, float | None] = {}
        for stat in (query["MetricStat"] | {"Id": query["Id"]} for query in queries_of(alarm) if "MetricStat" in query):
            if stat["Metric"]["MetricName"] in UNMEASURED:
                return "not measured here"
            about = {each["Name"]: symbol(each["Value"]) for each in stat["Metric"].get("Dimensions", ())}
            metric = Metric.of(symbol(stat["Metric"]["Namespace"]), stat["Metric"]["MetricName"], about)
            since = self.until - stat["Period"]
            values[stat["Id"]] = self.measures.statistic(metric, stat["Stat"], since, self.until)
        return "ALARM" if fires(alarm, values) else "OK"


def symbol(value: str | Mapping[str, str]) -> str:
    """What `Ref` and `Fn::GetAtt` give, as the dashboard's body names it."""
    return value if isinstance(value, str) else f"${{{next(iter(value.values()))}}}"


def draw_text(card: Axes, markdown: str, columns: int) -> None:
    """A heading, words, and the last paragraph's links by their words."""
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown)
    heading, rest = plain.split("\n", 1)
    left = 0.24 / columns
    card.text(left, 0.92, heading.lstrip("# "), va="top", weight="bold", fontsize=12 if columns == 24 else 9)
    words, *links = rest.split("\n\n")
    card.text(left, 0.45 if columns == 24 else 0.76, textwrap.fill(words, columns * 12), va="top")
    for each in links:
        card.text(left, 0.08, textwrap.fill(each, columns * 12), va="bottom", color=BLUE)
