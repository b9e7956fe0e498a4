"""Changes of the templates for the local servers."""

from typing import Any

import pytest

from localcloud import fairness, soak
from localcloud.errors import LocalCloudError
from localcloud.overlay import CONCURRENCY, PAGE, adapt, page
from tests.template.parsed import events, functions, queue_of, template

URL = "http://127.0.0.1:4566"


def local(**settings: str) -> dict[str, Any]:
    """Return the root template as it is deployed to the local AWS."""
    return adapt(template(), URL, settings)


def variables_of(changed: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a function's own environment variables."""
    own: dict[str, Any] = changed["Resources"][f"{name}Function"]["Properties"]["Environment"]["Variables"]
    return own


def test_original_template_is_not_changed() -> None:
    before = repr(template())
    local(RequestsPerSecond="1")
    assert repr(template()) == before


def test_only_the_local_environment_is_allowed() -> None:
    changed = local()
    assert changed["Parameters"]["Environment"]["AllowedValues"] == ["local"]
    assert changed["Mappings"]["Environments"]["local"].keys() == changed["Mappings"]["Environments"]["dev"].keys()


def test_functions_call_the_local_endpoints() -> None:
    changed = local()
    assert changed["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] == URL
    assert variables_of(changed, "Indexes")["AWS_ENDPOINT_URL"] == URL
    for name, variable in (("Worker", "CALLBACKS_URL"), ("Notifier", "WEBSOCKET_API_URL")):
        assert variables_of(changed, name)[variable]["Fn::Sub"].startswith(f"{URL}/_aws/execute-api/")


def test_api_is_published_only_after_a_change() -> None:
    assert template()["Resources"]["Api"]["Properties"]["AlwaysDeploy"] is True
    assert "AlwaysDeploy" not in local()["Resources"]["Api"]["Properties"]


def test_every_queue_with_a_configured_concurrency_has_a_number() -> None:
    changed = local()
    sources = {
        queue_of(event): event["ScalingConfig"]["MaximumConcurrency"]
        for name in functions()
        for event in events(changed["Resources"][f"{name.capitalize()}Function"]["Properties"], "SQS")
    }
    assert all(isinstance(number, int) for number in sources.values())
    assert {queue: number for queue, number in sources.items() if queue in CONCURRENCY} == CONCURRENCY


def test_policies_that_require_tls_are_removed() -> None:
    removed = template()["Resources"].keys() - local()["Resources"].keys()
    assert {name for name in removed if name.endswith("Policy")} == {"VideosBucketPolicy", "QueuesPolicy"}


@pytest.mark.parametrize("name", ["template", "monitoring"])
def test_alarms_of_metric_math_and_composite_alarms_are_removed(name: str) -> None:
    changed = adapt(template(name), URL, {})["Resources"]
    assert "'Metrics': [" not in str({key: value for key, value in changed.items() if key != "Dashboard"})
    assert "CompositeAlarm" not in str(changed)
    assert all(value for key, value in changed.items() if key.startswith("Fn::ForEach"))


def test_resources_do_not_depend_on_removed_alarms() -> None:
    changed = local()["Resources"]
    assert set(changed["Monitoring"]["DependsOn"]) <= changed.keys()


def test_settings_replace_mapping_values_and_constants() -> None:
    changed = local(RequestsPerSecond="1000", SIMULATED_MIN_SECONDS="1")
    assert changed["Mappings"]["Release"]["Limits"]["RequestsPerSecond"] == "1000"
    assert variables_of(changed, "Worker")["SIMULATED_MIN_SECONDS"] == "1"


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(LocalCloudError, match="no setting Nothing"):
        local(Nothing="1")


@pytest.mark.parametrize("measurement", [soak, fairness])
def test_settings_and_parameters_of_the_measurements_exist(measurement: Any) -> None:
    adapt(template(), URL, measurement.SETTINGS)
    assert measurement.PARAMETERS.keys() <= template()["Parameters"].keys()


def test_page_lists_the_changes() -> None:
    assert PAGE.read_text() == page(), "Outdated. Run: PYTHONPATH=. .venv/bin/python -m localcloud.overlay"
