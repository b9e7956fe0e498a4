"""Workflows: which job can obtain a token of AWS, and what that job installs."""

import tomllib
from typing import Any

import pytest
import yaml

from tests.template.parsed import ROOT, template

_FOLDER = ROOT / ".github" / "workflows"
_WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(_FOLDER.glob("*.yaml"))}
_DEPLOY = _WORKFLOWS["deploy"]["jobs"]


def _commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def test_only_the_jobs_that_deploy_and_verify_can_obtain_a_token() -> None:
    tokens = {
        (workflow, name)
        for workflow, content in _WORKFLOWS.items()
        for name, job in content["jobs"].items()
        if "id-token" in job["permissions"]
    }
    assert tokens == {("deploy", "deploy"), ("deploy", "verify")}
    assert all(content["permissions"] == {} for content in _WORKFLOWS.values())


def test_only_the_job_that_deploys_has_the_subject_that_the_deployment_role_accepts() -> None:
    # The subject of a token is the environment of its job, or else the branch.
    in_an_environment = {
        (workflow, name)
        for workflow, content in _WORKFLOWS.items()
        for name, job in content["jobs"].items()
        if "environment" in job
    }
    assert in_an_environment == {("deploy", "deploy")}


def test_deployment_follows_the_checks_and_installs_only_sam() -> None:
    assert _DEPLOY["deploy"]["needs"] == "check"
    assert _DEPLOY["verify"]["needs"] == "deploy"
    assert "make check" in _commands(_DEPLOY["check"])
    commands = _commands(_DEPLOY["deploy"])
    assert "python3 -m localcloud.environment sam\n" in commands
    assert "make " not in commands, "every target of the Makefile installs the tools of the tests"


def test_every_environment_is_deployed_from_main_only() -> None:
    assert _DEPLOY["deploy"]["if"] == "github.ref == 'refs/heads/main'"
    inputs = _WORKFLOWS["deploy"][True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads the key `on` as true
    assert inputs["environment"]["options"] == template("github")["Parameters"]["Environment"]["AllowedValues"]


def test_every_variable_of_the_deployment_is_an_output_of_the_roles_stack() -> None:
    text = (_FOLDER / "deploy.yaml").read_text()
    outputs = template("github")["Outputs"].values()
    variables = {output["Description"].removeprefix("Value of the variable ") for output in outputs}
    assert {part.split(" ")[0] for part in text.split("vars.")[1:]} == variables | {"AWS_REGION"}


@pytest.mark.parametrize("environment", template("github")["Parameters"]["Environment"]["AllowedValues"])
def test_sam_uploads_to_the_bucket_that_the_command_names(environment: str) -> None:
    # sam rejects resolve_s3 together with --s3-bucket, and would create a bucket with the rights of the caller.
    sections = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert "resolve_s3" not in sections[environment]["deploy"]["parameters"]
    assert '--s3-bucket "$ARTIFACTS_BUCKET"' in _commands(_DEPLOY["deploy"])


def test_vulnerabilities_are_looked_up_weekly() -> None:
    [schedule] = _WORKFLOWS["vulnerabilities"][True]["schedule"]
    assert len(schedule["cron"].split()) == 5
    assert schedule["cron"].split()[2:4] == ["*", "*"]
    assert schedule["cron"].split()[4] != "*"
    [job] = _WORKFLOWS["vulnerabilities"]["jobs"].values()
    assert "make vulnerabilities" in _commands(job)
