"""The configuration reference: current, and complete for parameters and environment variables."""

import re
from collections.abc import Iterator

import pytest

from localcloud.config import CloudConfig
from tests.template.parsed import ROOT, template
from tools.configuration.page import PAGE, build_page
from tools.configuration.variables import LOCAL, TESTS, VERIFICATION

_READ = re.compile(r'\b(?:environ|environment|variables)(?:\.get\(|\[)"([A-Z][A-Z_]+)"')
_NOT_OURS = {"PATH", "TMPDIR", "COLUMNS", "REQUEST_METHOD", "WEBHOOKS_QUEUE_URL", "WEBHOOK_URLS"}
"""Variables of the operating system, of WSGI and of deployed functions, which test code also reads."""

_WITH_GIVEN_VARIABLES = {"functions", "template", "unit"}
"""Folders of tests that pass variables to the code under test."""


class Recorder(dict[str, str]):
    """Environment without variables, which records the names that are read."""

    def __init__(self) -> None:
        """Create the environment with no recorded names."""
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """Record the name and return the default."""
        self.names.add(key)
        return default


def test_page_is_current() -> None:
    assert PAGE.read_text() == build_page(), "stale: make apidocs"


def test_page_lists_every_key_of_the_mappings_and_every_parameter_that_an_operator_sets() -> None:
    mappings = template()["Mappings"]
    keys = {key for name in ("Environments", "Release") for row in mappings[name].values() for key in row}
    parameters = {name for file in ("template", "studio", "github") for name in template(file)["Parameters"]}
    page = PAGE.read_text()
    assert {name for name in keys | parameters if f"| `{name}` |" not in page} == set()


def test_other_templates_have_no_parameters_that_an_operator_sets() -> None:
    assert "Parameters" not in template("account")
    nested = [it for it in template()["Resources"].values() if it.get("Type") == "AWS::CloudFormation::Stack"]
    assert [it["Properties"]["Parameters"].keys() for it in nested] == [template("monitoring")["Parameters"].keys()]


def test_page_lists_every_variable_of_the_local_system() -> None:
    recorder = Recorder()
    CloudConfig.from_environment(recorder)
    assert recorder.names == LOCAL.keys()


# Those of the provider `simulated` set constants of the worker, and are accepted only with this provider.
@pytest.mark.parametrize("variable", [name for name in LOCAL if not name.startswith("SIMULATED_")])
def test_description_of_a_variable_names_the_parameter_or_mapping_that_it_sets(variable: str) -> None:
    config = CloudConfig.from_environment({"PROVIDER": "simulated", variable: "1"})
    described = re.match(r"(?:Parameter|Value of) `(\w+)`", LOCAL[variable])
    expected = described[1] if described else variable if variable.startswith("SIMULATED") else None
    assert {*config.parameters, *config.settings} == {"Provider", expected} - {None}


def read_names() -> Iterator[str]:
    """Yield the names of environment variables that the code of the tests reads."""
    for path in (ROOT / "tests").rglob("*.py"):
        if path.relative_to(ROOT).parts[1] in _WITH_GIVEN_VARIABLES:
            continue
        for name in _READ.findall(path.read_text()):
            if name not in _NOT_OURS and not name.startswith(("AWS_", "HTTP_")):
                yield name


def test_page_lists_every_variable_of_the_tests() -> None:
    assert {*read_names()} == TESTS.keys() | VERIFICATION.keys()
