"""Environment that a preflight checks: samconfig.toml, the template, and the parameters of the stacks."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from click import ClickException
from samcli.cli.types import CfnParameterOverridesType

from localcloud.template import find_defaults, read_template
from ops.errors import OpsError
from ops.preflight.aws import Aws
from ops.preflight.findings import NotEstablishedError

STUDIO_REGION = "us-east-1"
"""Region of the studio's stack, because CloudFront requires its certificate and web ACL there."""

_read_template = cache(read_template)


class Target:
    """Stack of an environment before its deployment.

    `configured_region` is the region in samconfig.toml, or None. `region` is the region that `sam deploy` uses: the
    configured one, or that of boto3, or None if there is neither.
    """

    def __init__(self, root: Path, environment: str, *, session: boto3.Session, studio: Sequence[str] = ()) -> None:
        """Read samconfig.toml and template.yaml in `root`.

        `studio` has parameters of infrastructure/studio.yaml as `Key=value`; it may be empty.

        Raises:
            OpsError: If samconfig.toml has no section for this environment, it is the local one, or its parameters are
                malformed.
        """
        sections = tomllib.loads((root / "samconfig.toml").read_text()).get(environment, {})
        options = {**_options(sections, "global"), **_options(sections, "deploy")}
        if "stack_name" not in options or environment == "local":
            raise OpsError(f"samconfig.toml has no environment {environment}. Use dev, staging or prod.")
        self.root, self.environment, self.session = root, environment, session
        self.stack_name: str = options["stack_name"]
        self.configured_region: str | None = options.get("region")
        self.region = self.configured_region or session.region_name or None
        self.aws = Aws(session, self.region)
        self.template = _read_template((root / "template.yaml").resolve())
        self._overrides = _read_overrides(options.get("parameter_overrides", ""))
        self._studio = dict(pair.split("=", 1) for pair in studio)

    @cached_property
    def stack(self) -> Mapping[str, Any] | None:
        """Return the description of the stack, or None if there is none.

        Raises:
            NotEstablishedError, ClientError: If CloudFormation can't be asked.
        """
        return self._describe(self.stack_name, self.region)

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """Return the value of each parameter in the next deployment: from samconfig.toml, else from the deployed stack.

        A parameter without a value in either has the template's default, also if the stack can't be read.
        """
        return {**find_defaults(self.template), **_deployed(lambda: self.stack), **self._overrides}

    @cached_property
    def studio(self) -> Mapping[str, str]:
        """Return the given parameters of the studio, or else those of its deployed stack; empty if there is none."""
        return self._studio or _deployed(lambda: self._describe(f"{self.stack_name}-studio", STUDIO_REGION))

    def _describe(self, name: str, region: str | None) -> Mapping[str, Any] | None:
        try:
            stacks = self.aws.call("cloudformation:DescribeStacks", region=region, StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return None
        stack: Mapping[str, Any] = stacks[0]
        return stack


def _read_overrides(overrides: object) -> dict[str, str]:
    try:
        parameters: dict[str, str] = CfnParameterOverridesType().convert(overrides, None, None)
    except ClickException as error:
        raise OpsError(f"sam cannot read parameter_overrides in samconfig.toml. {error.format_message()}") from error
    return parameters


def _options(sections: Mapping[str, Any], command: str) -> Mapping[str, Any]:
    options: Mapping[str, Any] = sections.get(command, {}).get("parameters", {})
    return options


def _deployed(read: Callable[[], Mapping[str, Any] | None]) -> dict[str, str]:
    try:
        stack = read() or {}
    except (NotEstablishedError, ClientError):
        return {}
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])}
