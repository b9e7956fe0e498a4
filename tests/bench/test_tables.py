"""Tables of the benchmarks: times, ratios and verdicts from samples."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.cold import cold_figure
from bench.emulator import ColdStart, read_init_ms
from bench.express import PeerMissingError, check_node
from bench.figures import Figure, MeasurementError, Section, print_section, to_markdown
from bench.imports import Import, read_imports
from bench.pickup import peer_figures
from bench.variants import Variant
from bench.warm import express_figure


def variant(name: str) -> Variant:
    return Variant(name, f"title of {name}", {"status": Path()}, {"status": "app.handler"}, ())


def samples(**first_answers_ms: list[float]) -> dict[tuple[str, str], list[ColdStart]]:
    return {
        (name.replace("_", "-"), "status"): [
            ColdStart(milliseconds - 10, milliseconds, milliseconds / 2, milliseconds / 100) for milliseconds in times
        ]
        for name, times in first_answers_ms.items()
    }


def test_init_duration_is_read_from_the_init_report_line() -> None:
    log = "START\nINIT REPORT(durationMs: 243.512)\nREPORT RequestId: 1 Init Duration: 0.04 ms\n"
    assert read_init_ms(log) == 243.512


def test_log_without_init_report_raises_an_error_that_contains_the_log() -> None:
    with pytest.raises(MeasurementError, match="ModuleNotFoundError"):
        read_init_ms("ModuleNotFoundError: No module named 'app'")


@pytest.mark.parametrize(("ours", "verdict"), [([110.0], "reached"), ([111.0], "missed")])
def test_cold_start_is_compared_with_the_floor(ours: list[float], verdict: str) -> None:
    figure = cold_figure(samples(ours=ours, floor=[100.0]), variant("floor"), "status")
    assert figure.verdict == verdict
    assert figure.ratio == f"{ours[0] / 100:.2f} ×"


@pytest.mark.parametrize(("usual", "verdict"), [([1000.0], "reached"), ([999.0], "missed")])
def test_cold_start_is_compared_with_the_usual_stack(usual: list[float], verdict: str) -> None:
    figure = cold_figure(samples(ours=[200.0], usual=usual), variant("usual"), "status")
    assert figure.verdict == verdict
    assert figure.ratio == "5.0 ×"


def test_cold_start_figure_is_the_shortest_run() -> None:
    figure = cold_figure(samples(ours=[210.0, 200.0, 3000.0]), variant("ours"), "status")
    assert figure.measured == "200 ms (210, 105)"
    assert (figure.ratio, figure.verdict, figure.second_call) == ("", "", "2.1 ms")


def test_polling_design_is_compared_with_ours_when_idle_and_when_busy() -> None:
    idle, busy = peer_figures(([2000.0, 3000.0], [20_000.0, 30_000.0]), alone=[25.0], together=[100.0])
    assert (idle.measured, idle.ratio) == ("p50 2500 ms, p95 2950 ms", "100 ×")
    assert (busy.measured, busy.ratio) == ("p50 25000 ms, p95 29500 ms", "250 ×")


def test_row_of_a_peer_that_cannot_run_contains_the_reason() -> None:
    missing = PeerMissingError("requires Node.js")
    (figure,) = peer_figures(missing, alone=[25.0], together=[100.0])
    assert figure.measured == express_figure("status", missing, "cpu").measured == "not measured: requires Node.js"
    assert figure.reached is None


@pytest.mark.parametrize(
    ("version", "npm", "versions"),
    [
        ("", None, "Node.js missing, npm missing"),
        ("v18.20.4\n", "/usr/bin/npm", "Node.js v18.20.4, npm found"),
        ("v20.20.2\n", None, "Node.js v20.20.2, npm missing"),
    ],
)
def test_missing_or_old_node_raises_an_error_that_names_the_versions(
    version: str, npm: str | None, versions: str
) -> None:
    with pytest.raises(PeerMissingError, match=r"Node\.js ≥ 20") as missing:
        check_node(version, npm)
    assert versions in str(missing.value)


@pytest.mark.parametrize("version", ["v20.20.2\n", "v24.1.0\n"])
def test_supported_node_is_accepted(version: str) -> None:
    assert check_node(version, "/usr/bin/npm") is None


def test_terminal_and_markdown_tables_contain_the_same_figures() -> None:
    section = Section(
        "Cold start", "Median of 7. " * 20, [Figure("status", "243 ms", "≤ 1.3 ×", "1.05 ×", reached=True)]
    )
    output = io.StringIO()
    print_section(section, Console(file=output, width=120))
    markdown = to_markdown([section])
    assert "| status | ≤ 1.3 ×: reached | 243 ms | 1.05 × |" in markdown
    assert max(map(len, markdown.splitlines())) <= 160
    for cell in section.figures[0].cells():
        assert cell in output.getvalue()


def test_imported_module_names_the_module_that_imports_it() -> None:
    log = """import time: self [us] | cumulative | imported package
import time:       100 |        100 |     inner.part
import time:       200 |        300 |   inner
import time:        50 |         50 |   other
import time:        10 |        360 | app
"""
    assert read_imports(log) == {
        "inner.part": Import(100, 100, "inner"),
        "inner": Import(200, 300, "app"),
        "other": Import(50, 50, "app"),
        "app": Import(10, 360, ""),
    }
