"""Versions and aliases: every change is published as a version, and every caller uses the alias `live`."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.template.parsed import FUNCTION, ROOT, resources, template, variables
from tests.template.translated import Resources, of_type, references, translate

CALLED = sorted(set(resources(FUNCTION)) - {"IndexesFunction"})  # CloudFormation calls IndexesFunction without an alias
DEPLOYED = translate()
CONFIGURATION = {
    name: value
    for name, value in DEPLOYED["Configuration"]["Properties"].items()
    if name not in {"ServiceToken", "ServiceTimeout"}
}


def versions(deployed: Resources = DEPLOYED) -> dict[str, str]:
    """Return the logical ID of each function's version, by function. A new logical ID is a new version."""
    resources_of_type = of_type(deployed, "AWS::Lambda::Version")
    return {version["Properties"]["FunctionName"]["Ref"]: name for name, version in resources_of_type.items()}


@pytest.mark.parametrize("function", CALLED)
def test_alias_of_a_function_refers_to_its_version(function: str) -> None:
    version = versions()[function]
    alias = of_type(DEPLOYED, "AWS::Lambda::Alias")[f"{function}Aliaslive"]["Properties"]
    assert alias["Name"] == "live"
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGatewayV2::Integration",
        "AWS::Events::Rule",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
    ],
)
def test_callers_of_a_function_use_its_alias(kind: str) -> None:
    callers = of_type(DEPLOYED, kind)
    assert callers
    for name, caller in callers.items():
        targets = references(caller["Properties"])
        assert not targets & set(CALLED), f"{name} does not use the alias"
        assert targets & {f"{function}Aliaslive" for function in CALLED}, name


def test_new_layer_publishes_a_version_of_each_function_that_uses_it() -> None:
    before, uses = versions(), {name: references(of_type(DEPLOYED, "AWS::Lambda::Function")[name]) for name in CALLED}
    for layer in resources("AWS::Serverless::LayerVersion"):
        after = versions(translate({layer: "other-code"}))
        users = {name for name in CALLED if any(reference.startswith(layer) for reference in uses[name])}
        assert users, f"{layer} is not used"
        assert {name for name in CALLED if before[name] != after[name]} == users


def layer_content(template_text: str, folder: Path) -> str:
    """Return the part of the common layer that depends on the template, built in a copy of its sources."""
    for path in ("layers/layer.mk", "layers/common/Makefile", "layers/platform/arm64/wheels.mk"):
        (folder / path).parent.mkdir(parents=True)
        shutil.copy(ROOT / path, folder / path)
    (folder / "template.yaml").write_text(template_text)
    built = folder / "built"
    command = ["make", "-f", str(folder / "layers/common/Makefile"), "template-checksum", f"ARTIFACTS_DIR={built}"]
    subprocess.run(command, cwd=folder / "layers/platform/arm64", check=True, timeout=60)
    return "".join(path.read_text() for path in built.iterdir())


def test_changed_template_changes_the_common_layer(tmp_path: Path) -> None:
    text = (ROOT / "template.yaml").read_text()
    tagged = text.replace("    Runtime: python3.13\n", "    Runtime: python3.13\n    Tags: {team: video}\n", 1)
    assert tagged != text
    before, again, after = (
        layer_content(content, tmp_path / name)
        for name, content in (("before", text), ("again", text), ("after", tagged))
    )
    assert before == again
    assert before != after


def test_changed_tag_publishes_a_version_and_changes_the_function() -> None:
    # Lambda rejects a version of a function whose code and configuration have not changed. A layer belongs to
    # these, but a tag does not: https://github.com/aws/serverless-application-model/issues/3281
    before, after = translate(), translate({"CommonLayer": "with-another-checksum"}, tags={"team": "video"})
    for function in CALLED:
        assert versions(before)[function] != versions(after)[function]
        layers = [deployment[function]["Properties"]["Layers"][0] for deployment in (before, after)]
        assert layers[0] != layers[1], function


def test_tag_alone_would_publish_a_version_of_an_unchanged_function() -> None:
    # The reason for the checksum in the layer. If this fails, SAM no longer needs it.
    before, after = translate(), translate(tags={"team": "video"})
    assert all(versions(before)[function] != versions(after)[function] for function in CALLED)


def test_changed_function_publishes_a_version_only_of_itself() -> None:
    before, after = versions(), versions(translate({"StatusFunction": "other-code"}))
    assert {name for name in CALLED if before[name] != after[name]} == {"StatusFunction"}


def test_changed_parameter_publishes_a_version() -> None:
    digest = {"Fn::GetAtt": ["Configuration", "Digest"]}
    for function, version in versions().items():
        # CloudFormation replaces a version when its description changes; Lambda rejects a new version of an unchanged
        # function, so the digest is a variable of the function as well.
        assert DEPLOYED[version]["Properties"]["Description"] == digest
        assert variables(DEPLOYED[function]["Properties"])["CONFIGURATION_DIGEST"] == digest
        assert _parameters_of(function) <= set(CONFIGURATION), function
    used = set().union(*map(_parameters_of, CALLED))
    assert set(CONFIGURATION) == used | {"SecretsRevision"}, (
        "a parameter that no function uses must not publish a version"
    )
    for name, value in CONFIGURATION.items():
        assert value == {"Ref": name} or value["Fn::FindInMap"][-1] == name


def test_indexes_are_created_before_any_function_changes() -> None:
    assert DEPLOYED["Configuration"]["DependsOn"] == ["MongoIndexes", "JwtSecret"]
    assert not references(DEPLOYED["MongoIndexes"]["Properties"]) & set(CALLED)
    assert all("Configuration" in references(DEPLOYED[function]["Properties"]) for function in CALLED)


@pytest.mark.parametrize("resource", ["MongoIndexes", "JwtSecret", "Configuration"])
def test_new_revision_of_the_secrets_updates_the_resources_that_read_them(resource: str) -> None:
    """Check the revision property, because CloudFormation can't detect a changed value of a secret."""
    assert DEPLOYED[resource]["Properties"]["SecretsRevision"] == {"Ref": "SecretsRevision"}


def _parameters_of(function: str) -> set[str]:
    """Return the parameters and keys of `Mappings` that a deployed function depends on, also through conditions."""
    parts, seen = [dict(DEPLOYED[function]["Properties"])], set()
    while parts:
        part = parts.pop()
        seen |= references(part) & set(template()["Parameters"])
        seen |= {key for key in _mapped_keys(part) if key not in template()["Mappings"]["Environments"]["dev"]}
        parts += [template()["Conditions"][name] for name in _conditions(part)]
    return seen


def _mapped_keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_mapped_keys, value))
    if not isinstance(value, dict):
        return set()
    if "Fn::FindInMap" in value:
        return {value["Fn::FindInMap"][-1]}
    return set().union(*map(_mapped_keys, value.values()))


def _conditions(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_conditions, value))
    if not isinstance(value, dict):
        return set()
    named = {value["Condition"]} if isinstance(value.get("Condition"), str) else set()
    named |= {value["Fn::If"][0]} if "Fn::If" in value else set()
    return named.union(*map(_conditions, value.values()))


def test_second_deployment_of_the_same_template_publishes_no_version() -> None:
    assert versions() == versions(translate())


def test_replaced_versions_are_deleted() -> None:
    policies = {version.get("DeletionPolicy") for version in of_type(DEPLOYED, "AWS::Lambda::Version").values()}
    assert policies == {"Delete"}
    assert template()["Globals"]["Function"]["VersionDeletionPolicy"] == "Delete"
