"""Builds and deploys the real template with the real sam, unless what is deployed is already this."""

import fcntl
import hashlib
import platform
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from localcloud.aws import open_session, tool_environment
from localcloud.config import CloudConfig
from localcloud.local_secrets import SecretArns
from localcloud.packaging import zip_artifacts
from localcloud.processes import run_tool

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# What a deployment is made of; a change in any of it makes `up` deploy again.
_INPUTS = ("template.yaml", "samconfig.toml", "functions", "layers")
_FINGERPRINT = "fingerprint"
_SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """The stack as CloudFormation describes it."""

    status: str
    fingerprint: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def is_stuck(self) -> bool:
        """Whether no deployment can go on from here: a first one failed, or one was cut off."""
        return self.status not in _SETTLED


def describe_stack(config: CloudConfig, endpoint_url: str) -> DeployedStack | None:
    """What is deployed, or None."""
    client = open_session(config).client("cloudformation", endpoint_url=endpoint_url)
    return read_stack(client, config.stack_name)


def read_stack(client: "CloudFormationClient", stack_name: str) -> DeployedStack | None:
    """What CloudFormation says of a stack, wherever that is; None if it knows of none."""
    try:
        stack = client.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    return DeployedStack(
        status=stack["StackStatus"],
        fingerprint={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}.get(_FINGERPRINT, ""),
        outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
        parameters={each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])},
    )


def template_parameters(config: CloudConfig, endpoint_url: str, web_url: str, arns: SecretArns) -> dict[str, str]:
    """The parameters of `local` in samconfig.toml, and beside them what is known only now."""
    return {
        **_configured_parameters(config.root / "samconfig.toml"),
        "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        "AwsEndpointUrl": endpoint_url,
        "AllowedOrigins": web_url.rstrip("/"),
        "MongoSecretArn": arns.mongo,
        "JwtSecretArn": arns.jwt,
        "WebhookSecretArn": arns.webhook,
        "ProviderSecretArn": arns.provider,
        **({"WebhookUrls": config.listener_file.read_text()} if config.listener_file.exists() else {}),
        **config.parameters,
    }


def _configured_parameters(samconfig: Path) -> dict[str, str]:
    local = tomllib.loads(samconfig.read_text())["local"]["deploy"]["parameters"]
    pairs = local.get("parameter_overrides", [])
    return dict(pair.split("=", 1) for pair in (pairs.split() if isinstance(pairs, str) else pairs))


def fingerprint(config: CloudConfig, parameters: Mapping[str, str]) -> str:
    """A digest of everything that decides what a deployment makes."""
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for path in _input_files(config.root):
        digest.update(f"{path.relative_to(config.root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _input_files(root: Path) -> Iterator[Path]:
    for name in _INPUTS:
        top = root / name
        found = [top] if top.is_file() else sorted(top.rglob("*"))
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)


def build(config: CloudConfig, endpoint_url: str, parameters: Mapping[str, str]) -> None:
    """`sam build`, taking from its cache what has not changed."""
    command = ["sam", "build", "--cached", "--parallel", "--build-dir", str(config.build)]
    run_tool(
        [*command, *_overrides({"Architecture": parameters["Architecture"]})],
        environment=tool_environment(config, endpoint_url),
        cwd=config.root,
        log=config.logs / "build.log",
        state=config.state,
    )


def deploy(config: CloudConfig, endpoint_url: str, parameters: Mapping[str, str], wanted: str) -> None:
    """`sam deploy` of what was built; the stack carries `wanted` as a tag."""
    command = ["sam", "deploy", "--config-env", "local", "--template-file", str(zip_artifacts(config.build))]
    flags = ["--stack-name", config.stack_name, "--region", config.region, "--resolve-s3", "--no-progressbar"]
    flags += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--capabilities", *_CAPABILITIES]
    run_tool(
        [*command, *flags, "--tags", f"{_FINGERPRINT}={wanted}", *_overrides(parameters)],
        environment=tool_environment(config, endpoint_url),
        cwd=config.root,
        log=config.logs / "deploy.log",
        state=config.state,
    )


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    # In single quotes a value may hold the double ones of JSON.
    return [
        "--parameter-overrides",
        *(f"{name}='{value}'" if '"' in value else f"{name}={value}" for name, value in parameters.items()),
    ]


@contextmanager
def build_folder(config: CloudConfig) -> Iterator[None]:
    """Hold the build folder, which every local system of the checkout shares."""
    config.build.parent.mkdir(parents=True, exist_ok=True)
    with (config.build.parent / "localcloud.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
