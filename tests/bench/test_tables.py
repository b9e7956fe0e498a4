"""What the bench makes of its samples: medians, ratios, verdicts, tables."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.cold import cold_figure
from bench.emulator import ColdStart, read_init_ms
from bench.express import PeerMissingError, check_node
from bench.figures import Figure, MeasurementError, Section, print_section, to_markdown
from bench.pickup import peer_figures
from bench.variants import Variant
from bench.warm import express_figure


def variant(name: str) -> Variant:
    return Variant(name, f"title of {name}", {"status": Path()}, {"status": "app.handler"}, ())


def samples(**first_answers_ms: list[float]) -> dict[tuple[str, str], list[ColdStart]]:
    return {
        (name.replace("_", "-"), "status"): [ColdStart(took - 10, took, took / 2) for took in each]
        for name, each in first_answers_ms.items()
    }


def test_init_is_read_from_the_line_that_tells_the_truth() -> None:
    log = "START\nINIT REPORT(durationMs: 243.512)\nREPORT RequestId: 1 Init Duration: 0.04 ms\n"
    assert read_init_ms(log) == 243.512


def test_a_log_without_init_is_an_error_that_shows_the_log() -> None:
    with pytest.raises(MeasurementError, match="ModuleNotFoundError"):
        read_init_ms("ModuleNotFoundError: No module named 'app'")


@pytest.mark.parametrize(("ours", "verdict"), [([130.0], "reached"), ([131.0], "missed")])
def test_ours_is_held_against_the_floor(ours: list[float], verdict: str) -> None:
    figure = cold_figure(samples(ours=ours, floor=[100.0]), variant("floor"), "status")
    assert figure.verdict == verdict
    assert figure.ratio == f"{ours[0] / 100:.2f} ×"


@pytest.mark.parametrize(("usual", "verdict"), [([1000.0], "reached"), ([999.0], "missed")])
def test_ours_is_held_against_the_usual_stack(usual: list[float], verdict: str) -> None:
    figure = cold_figure(samples(ours=[200.0], usual=usual), variant("usual"), "status")
    assert figure.verdict == verdict
    assert figure.ratio == "5.0 ×"


def test_a_figure_is_the_quickest_so_that_disturbed_runs_say_nothing() -> None:
    figure = cold_figure(samples(ours=[210.0, 200.0, 3000.0]), variant("ours"), "status")
    assert figure.measured == "200 ms (210, 105)"
    assert (figure.ratio, figure.verdict) == ("", "")


def test_the_polling_design_is_held_against_ours_idle_and_busy() -> None:
    idle, busy = peer_figures(([2000.0, 3000.0], [20_000.0, 30_000.0]), alone=[25.0], together=[100.0])
    assert (idle.measured, idle.ratio) == ("p50 2500 ms, p95 2950 ms", "100 ×")
    assert (busy.measured, busy.ratio) == ("p50 25000 ms, p95 29500 ms", "250 ×")


def test_a_peer_that_cannot_run_is_a_line_that_says_why() -> None:
    missing = PeerMissingError("it needs Node.js")
    (waiting,) = peer_figures(missing, alone=[25.0], together=[100.0])
    assert waiting.measured == express_figure("status", missing).measured == "not measured: it needs Node.js"
    assert waiting.reached is None


@pytest.mark.parametrize(
    ("version", "npm", "found"),
    [
        ("", None, "Node.js missing, npm missing"),
        ("v18.20.4\n", "/usr/bin/npm", "Node.js v18.20.4, npm found"),
        ("v20.20.2\n", None, "Node.js v20.20.2, npm missing"),
    ],
)
def test_a_machine_without_a_fitting_node_is_told_what_is_needed(version: str, npm: str | None, found: str) -> None:
    with pytest.raises(PeerMissingError, match=r"Node\.js ≥ 20") as missing:
        check_node(version, npm)
    assert found in str(missing.value)


@pytest.mark.parametrize("version", ["v20.20.2\n", "v24.1.0\n"])
def test_a_fitting_node_will_do(version: str) -> None:
    assert check_node(version, "/usr/bin/npm") is None


def test_a_table_says_the_same_on_the_terminal_and_as_markdown() -> None:
    section = Section("Cold start", "Median of 7.", [Figure("status", "243 ms", "≤ 1.3 ×", "1.05 ×", reached=True)])
    output = io.StringIO()
    print_section(section, Console(file=output, width=120))
    markdown = to_markdown([section])
    assert "| status | ≤ 1.3 × | 243 ms | 1.05 × | reached |" in markdown
    for cell in section.figures[0].cells():
        assert cell in output.getvalue()
