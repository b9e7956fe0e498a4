"""The API documents pass standard tools without a warning, and their types accept the requests of the pages.

The tools run in Node. Without it, the tests are skipped, and fail in CI.
"""

import json
from pathlib import Path

import pytest

from tests.audit.snippets import PREAMBLE, read_snippets
from tests.node import NPM, run

ROOT = Path(__file__).parents[2]
OPENAPI, ASYNCAPI = ROOT / "docs" / "openapi.json", ROOT / "docs" / "asyncapi.yaml"
BIN = NPM / "node_modules" / ".bin"
PAGES = (
    "README.md",
    "docs/reference/api.md",
    "docs/start/frontend.md",
    "docs/guides/studio.md",
    "docs/guides/deploy.md",
)
"""The pages that show requests."""
COMPILER = ("tsc", "--strict", "--noEmit", "--target", "es2022", "--moduleResolution", "bundler", "--module", "esnext")
CONTROL = """
const request = { prompt: "A kite", style: "calm", duration: 8, aspectRatio: "16:9" } as const;
export const accepted: Body<"/api/videos/generate">[] = [request, { ...request, priority: "high" }];
// @ts-expect-error: a style that does not exist
export const wrongStyle: Body<"/api/videos/generate"> = { ...request, style: "sad" };
// @ts-expect-error: a required field is missing
export const incomplete: Body<"/api/videos/generate"> = { prompt: "A kite" };
// @ts-expect-error: an unknown field
JSON.stringify({ prompt: "A kite", style: "calm", duration: 8, aspectRatio: "16:9", size: 1 });
"""
"""Requests of which the compiler must refuse some. Otherwise it checks nothing."""


@pytest.mark.parametrize("document", [OPENAPI, ASYNCAPI], ids=lambda path: path.stem)
def test_redocly_reports_no_problem(document: Path) -> None:
    lint = run(BIN / "redocly", "lint", document, "--config", NPM / "redocly.yaml", "--format", "json")
    report = lint.stdout[lint.stdout.find("{") : lint.stdout.rfind("}") + 1]
    assert json.loads(report)["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, lint.stdout


def test_spectral_reports_no_problem() -> None:
    lint = run(
        BIN / "spectral", "lint", OPENAPI, ASYNCAPI, "--ruleset", NPM / "spectral.yaml", "--fail-severity", "hint"
    )
    assert lint.returncode == 0, lint.stdout


def test_the_asyncapi_parser_reports_no_problem() -> None:
    parsed = run("parse_asyncapi.mjs", ASYNCAPI)
    assert parsed.returncode == 0, parsed.stdout


def test_the_generated_types_accept_the_requests_of_the_pages(tmp_path: Path) -> None:
    generated = run(BIN / "openapi-typescript", OPENAPI, "--output", tmp_path / "api.ts")
    assert generated.returncode == 0, generated.stdout
    modules = [tmp_path / "control.ts"]
    modules[0].write_text(PREAMBLE + CONTROL)
    for page in PAGES:
        for number, snippet in enumerate(read_snippets(ROOT / page)):
            modules.append(tmp_path / f"{Path(page).stem}_{number}.ts")
            modules[-1].write_text(snippet)
    assert {"README_0.ts", "README_1.ts"} <= {module.name for module in modules}, "README has a curl command and fetch"
    compiled = run(BIN / COMPILER[0], *COMPILER[1:], "--skipLibCheck", *modules)
    assert compiled.returncode == 0, compiled.stdout
