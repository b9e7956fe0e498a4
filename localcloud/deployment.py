"""Deployment of the build with sam, and the fingerprint that shows whether it is needed."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from localcloud.aws import open_session, tool_environment
from localcloud.builds import ARCHITECTURE, BUILD_INPUTS, input_files
from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.local_secrets import SecretArns
from localcloud.overlay import adapt
from localcloud.packaging import zip_artifacts
from localcloud.processes import run_tool
from localcloud.template import read_defaults, read_template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

DEPLOYMENT_INPUTS = (*BUILD_INPUTS, "localcloud/overlay.py")
"""Files and folders that a deployment depends on; a missing one counts as empty."""
_FINGERPRINT = "fingerprint"
_SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """CloudFormation stack as CloudFormation describes it. `fingerprint` is empty if the stack has no such tag."""

    status: str
    fingerprint: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def is_stuck(self) -> bool:
        """Return whether the stack cannot be updated, because its creation failed or an operation was interrupted."""
        return self.status not in _SETTLED


def describe_stack(config: CloudConfig, endpoint_url: str) -> DeployedStack | None:
    """Return the deployed CloudFormation stack of the local system; None if there is none.

    Raises:
        BotoCoreError, ClientError: If the local AWS does not respond or reports another error.
    """
    client = open_session(config).client("cloudformation", endpoint_url=endpoint_url)
    return read_stack(client, config.stack_name)


def read_stack(client: "CloudFormationClient", stack_name: str) -> DeployedStack | None:
    """Return a stack of any CloudFormation endpoint; None if it does not exist.

    Raises:
        BotoCoreError, ClientError: If the endpoint does not respond or reports another error.
    """
    try:
        stack = client.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    return DeployedStack(
        status=stack["StackStatus"],
        fingerprint={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}.get(_FINGERPRINT, ""),
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        parameters={
            parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])
        },
    )


def template_parameters(config: CloudConfig, web_url: str, arns: SecretArns) -> dict[str, str]:
    """Return a value for every parameter of template.yaml.

    `sam deploy` keeps the previous value of a parameter that is left out, so a value of an earlier deployment would
    stay. In ascending precedence: the template's defaults, samconfig.toml's `local`, the values known only at run time,
    and the environment's.

    Raises:
        LocalCloudError: If sam cannot read the parameter overrides in samconfig.toml.
    """
    return {
        **read_defaults(config.root / "template.yaml"),
        **_configured_parameters(config.root / "samconfig.toml"),
        "Architecture": ARCHITECTURE,
        "AllowedOrigins": ",".join(_allowed_origins(config, web_url)),
        "MongoSecretArn": arns.mongo,
        "JwtSecretArn": arns.jwt,
        "WebhookSecretArn": arns.webhook,
        "ProviderSecretArn": arns.provider,
        **({"WebhookUrls": config.listener_file.read_text()} if config.listener_file.exists() else {}),
        **config.parameters,
    }


def _allowed_origins(config: CloudConfig, web_url: str) -> list[str]:
    """Return the studio's origin, which must be the first, its form with `localhost`, and the configured origins."""
    studio = web_url.rstrip("/")
    return list(dict.fromkeys([studio, studio.replace(config.host, "localhost"), *config.allowed_origins]))


def _configured_parameters(samconfig: Path) -> dict[str, str]:
    local = tomllib.loads(samconfig.read_text())["local"]["deploy"]["parameters"]
    return _parse_overrides(local.get("parameter_overrides"))


def _parse_overrides(overrides: object) -> dict[str, str]:
    """Read parameter overrides as sam does: a string, a list or a table.

    Raises:
        LocalCloudError: If sam cannot read them.
    """
    # Imported here because it takes a third of a second, and only a deployment needs it.
    from click import ClickException
    from samcli.cli.types import CfnParameterOverridesType

    try:
        parsed: dict[str, str] = CfnParameterOverridesType().convert(overrides, None, None)
    except ClickException as error:
        raise LocalCloudError(f"sam cannot read the parameters. {error.format_message()}") from error
    return parsed


def fingerprint(config: CloudConfig, endpoint_url: str, parameters: Mapping[str, str]) -> str:
    """Return a digest of everything on which a deployment depends, including the content of its input files."""
    values = (endpoint_url, sorted(config.settings.items()), sorted(parameters.items()))
    digest = hashlib.sha256(repr(values).encode())
    for path in input_files(config.root, DEPLOYMENT_INPUTS):
        digest.update(f"{path.relative_to(config.root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def deploy(config: CloudConfig, endpoint_url: str, parameters: Mapping[str, str], wanted: str) -> None:
    """Deploy the build with `sam deploy`, and tag the stack with the fingerprint `wanted`.

    The output of sam is written to `deploy.log`.

    Raises:
        CommandFailedError: If sam fails.
        LocalCloudError: If sam cannot read the value of a parameter, or the template lacks a setting of `config`.
    """
    command = ["sam", "deploy", "--config-env", "local", "--template-file", str(write_templates(config, endpoint_url))]
    flags = ["--stack-name", config.stack_name, "--region", config.region, "--resolve-s3", "--no-progressbar"]
    flags += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--capabilities", *_CAPABILITIES]
    flags += ["--language-extensions"]  # sam reads samconfig.toml from the folder of the template, which has none
    run_tool(
        [*command, *flags, "--tags", f"{_FINGERPRINT}={wanted}", *override_parameters(parameters)],
        environment=tool_environment(config, endpoint_url),
        cwd=config.root,
        log=config.logs / "deploy.log",
        state=config.state,
    )


def write_templates(config: CloudConfig, endpoint_url: str) -> Path:
    """Write the adapted copies of the built templates next to the build folder, and return the path of the root's copy.

    Raises:
        LocalCloudError: If the template lacks a setting of `config`.
        OSError: If the folder contains no complete build, or a file can't be written.
    """
    root = adapt(read_template(config.build / "template.yaml"), endpoint_url, config.settings)
    zip_artifacts(config.build, root)
    for name, resource in root["Resources"].items():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            built = config.build / resource["Properties"]["TemplateURL"]
            nested = adapt(read_template(built), endpoint_url, {})
            _make_absolute(nested, built.parent)
            resource["Properties"]["TemplateURL"] = str(_write_json(config, name, nested))
    return _write_json(config, "template", root)


def _make_absolute(part: object, folder: Path) -> None:
    """Replace the locations of included files, which are relative to the template's folder."""
    values = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for value in values:
        _make_absolute(value, folder)
    if isinstance(part, dict) and part.get("Name") == "AWS::Include":
        part["Parameters"]["Location"] = str((folder / part["Parameters"]["Location"]).resolve())


def _write_json(config: CloudConfig, name: str, template: Mapping[str, object]) -> Path:
    path = config.build.parent / f"{name}.deployed.json"
    path.write_text(json.dumps(template, indent=1))
    return path


def override_parameters(parameters: Mapping[str, str]) -> list[str]:
    """Return the option `--parameter-overrides` with these parameters, as arguments of sam.

    Each value is in quotes: without them sam rejects an empty value and cuts off a value at its first space or quote.

    Raises:
        LocalCloudError: If sam would read another value, as it does for a backslash before a quote or at the end.
    """
    pairs = ['{}="{}"'.format(name, value.replace('"', '\\"')) for name, value in parameters.items()]
    read = _parse_overrides(pairs)
    if wrong := [name for name, value in parameters.items() if read.get(name) != value]:
        raise LocalCloudError(f"sam cannot read the value of {', '.join(wrong)}. Write it without a backslash.")
    return ["--parameter-overrides", *pairs]
