"""Changes to a copy of the built templates, for the local servers. The templates themselves describe only AWS.

This command writes the table of docs/local-differences.md:

    PYTHONPATH=. .venv/bin/python -m localcloud.overlay
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.errors import LocalCloudError

type Template = dict[str, Any]

ENVIRONMENT = "local"
"""Name of the environment, which the templates do not allow."""
CONCURRENCY = {
    "JobsQueue": 4,
    "HighJobsQueue": 2,
    "RenderQueue": 2,
    "HighRenderQueue": 2,
    "EventsQueue": 4,
    "WebhooksQueue": 2,
}
"""Maximum concurrency of each queue's event source."""
PAGE = Path(__file__).resolve().parent.parent / "docs" / "local-differences.md"
_BEGINNING, _END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
_PLAIN_HTTP = "aws:SecureTransport"
_FUNCTION = "AWS::Serverless::Function"


@dataclass(frozen=True, slots=True)
class Change:
    """Change of the templates, with the cells of its row in docs/local-differences.md.

    `apply` changes a template in place, given the URL of the local AWS. It leaves a template without the changed part
    as it is.
    """

    where: str
    locally: str
    reason: str
    apply: Callable[[Template, str], None]


def adapt(template: Mapping[str, Any], endpoint_url: str, settings: Mapping[str, str]) -> Template:
    """Return a changed copy of a built template, for the local AWS at `endpoint_url`.

    `settings` replaces values in `Mappings`, by key, and constants, by the environment variable that contains them.

    Raises:
        LocalCloudError: If the template has no such key or variable.
    """
    changed: Template = copy.deepcopy(dict(template))
    for change in CHANGES:
        change.apply(changed, endpoint_url)
    for name, value in settings.items():
        places = [place for place in _settings_of(changed) if name in place]
        if not places:
            raise LocalCloudError(f"The template has no setting {name}. Use a key of Mappings or a variable.")
        for place in places:
            place[name] = value
    return changed


def _settings_of(template: Template) -> Iterator[dict[str, Any]]:
    for groups in template.get("Mappings", {}).values():
        yield from groups.values()
    yield from _variables(template)


def _resources(template: Template) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Yield each resource with the mapping that contains it and its key, also within `Fn::ForEach`."""
    resources = template.get("Resources", {})
    mappings = [resources, *(value[2] for key, value in resources.items() if key.startswith("Fn::ForEach::"))]
    for mapping in mappings:
        yield from ((mapping, key, value) for key, value in list(mapping.items()) if isinstance(value, dict))


def _functions(template: Template) -> Iterator[dict[str, Any]]:
    return (resource["Properties"] for _, _, resource in _resources(template) if resource["Type"] == _FUNCTION)


def _variables(template: Template) -> Iterator[dict[str, Any]]:
    for properties in (template.get("Globals", {}).get("Function", {}), *_functions(template)):
        if "Environment" in properties:
            yield properties["Environment"]["Variables"]


def _remove(template: Template, is_removed: Callable[[dict[str, Any]], bool]) -> None:
    """Remove resources, loops that become empty, and the dependencies on removed resources."""
    removed = set()
    for mapping, key, resource in _resources(template):
        if is_removed(resource):
            removed.add(key)
            del mapping[key]
    resources = template.get("Resources", {})
    for key in [key for key, value in resources.items() if key.startswith("Fn::ForEach::") and not value[2]]:
        del resources[key]
    for _, _, resource in _resources(template):
        if isinstance(names := resource.get("DependsOn"), list):
            resource["DependsOn"] = [name for name in names if name not in removed]


def _allow_environment(template: Template, _: str) -> None:
    if "AllowedValues" in (parameter := template.get("Parameters", {}).get("Environment", {})):
        parameter["AllowedValues"] = [ENVIRONMENT]
    if environments := template.get("Mappings", {}).get("Environments"):
        environments[ENVIRONMENT] = {"DeploymentPreference": "AllAtOnce", "ByCodeDeploy": "false", "Boundary": "false"}


def _replace_endpoints(template: Template, endpoint_url: str) -> None:
    for variables in _variables(template):
        replaced = {
            "AWS_ENDPOINT_URL": endpoint_url,
            "CALLBACKS_URL": {"Fn::Sub": f"{endpoint_url}/_aws/execute-api/${{Api}}/${{Environment}}"},
            "WEBSOCKET_API_URL": {"Fn::Sub": f"{endpoint_url}/_aws/execute-api/${{WebSocketApi}}/${{Environment}}"},
        }
        variables |= {name: value for name, value in replaced.items() if name in variables}


def _publish_only_changes(template: Template, _: str) -> None:
    for _mapping, _key, resource in _resources(template):
        if resource["Type"] == "AWS::Serverless::Api":
            resource["Properties"].pop("AlwaysDeploy", None)


def _bound_concurrency(template: Template, _: str) -> None:
    for properties in _functions(template):
        for event in properties.get("Events", {}).values():
            queue = _name_of(event["Properties"].get("Queue"))
            if queue in CONCURRENCY:
                event["Properties"]["ScalingConfig"] = {"MaximumConcurrency": CONCURRENCY[queue]}


def _name_of(reference: object) -> str | None:
    """Return the logical ID in an `Fn::GetAtt` of either form; None for any other value."""
    if not isinstance(reference, dict) or "Fn::GetAtt" not in reference:
        return None
    attribute = reference["Fn::GetAtt"]
    return str(attribute[0] if isinstance(attribute, list) else attribute.split(".")[0])


def _remove_tls_policies(template: Template, _: str) -> None:
    def requires_tls(resource: dict[str, Any]) -> bool:
        return resource["Type"].endswith(("::BucketPolicy", "::QueuePolicy")) and _PLAIN_HTTP in str(resource)

    _remove(template, lambda resource: "Condition" not in resource and requires_tls(resource))


def _remove_metric_math(template: Template, _: str) -> None:
    def uses_metric_math(resource: dict[str, Any]) -> bool:
        is_alarm = resource["Type"] == "AWS::CloudWatch::Alarm"
        return resource["Type"] == "AWS::CloudWatch::CompositeAlarm" or (
            is_alarm and "Metrics" in resource["Properties"]
        )

    _remove(template, uses_metric_math)


def _allow_webhooks_to_this_machine(template: Template, _: str) -> None:
    if "WebhookUrls" in (parameters := template.get("Parameters", {})):
        del parameters["WebhookUrls"]["AllowedPattern"]
        template["Resources"]["WebhooksFunction"]["Properties"]["Environment"]["Variables"] |= {
            "ALLOW_LOOPBACK_WEBHOOKS": "true"
        }


CHANGES = (
    Change(
        "`Environment`, `Mappings`",
        "only `local`, with a row of its own in `Environments`",
        "the templates allow only environments on AWS",
        _allow_environment,
    ),
    Change(
        "`AWS_ENDPOINT_URL`, `CALLBACKS_URL`, `WEBSOCKET_API_URL`",
        "the addresses of MiniStack",
        "the names `*.localhost` resolve only in browsers",
        _replace_endpoints,
    ),
    Change(
        "`AlwaysDeploy`",
        "removed",
        "a deployment without changes should not publish the API again",
        _publish_only_changes,
    ),
    Change(
        "`MaximumConcurrency`",
        "4 for `JobsQueue` and `EventsQueue`, 2 for the other queues",
        "MiniStack requires a number, not a parameter's text; a development machine has few cores",
        _bound_concurrency,
    ),
    Change(
        "`VideosBucketPolicy`, `QueuesPolicy`",
        "removed",
        "MiniStack serves plain HTTP, which these policies deny",
        _remove_tls_policies,
    ),
    Change(
        "alarms of metric math and composite alarms",
        "removed",
        "MiniStack supports neither; `tests/template/test_alarms.py` evaluates them",
        _remove_metric_math,
    ),
    Change(
        "`WebhookUrls`, `ALLOW_LOOPBACK_WEBHOOKS`",
        "also `http://127.0.0.1:…`",
        "the receiver runs on the same machine",
        _allow_webhooks_to_this_machine,
    ),
)
"""All changes, in the order in which they are applied."""


def page() -> str:
    """Return docs/local-differences.md with its table replaced by the current one."""
    before, rest = PAGE.read_text().split(_BEGINNING)
    after = rest.split(_END)[1]
    rows = [f"| {change.where} | {change.locally} | {change.reason} |\n" for change in CHANGES]
    return f"{before}{_BEGINNING}| in the template | locally | reason |\n|---|---|---|\n{''.join(rows)}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page())
