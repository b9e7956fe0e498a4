"""Checks of this machine: the version of the SAM CLI, the region of each tool, and the credentials."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError, NoCredentialsError
from packaging.requirements import Requirement

from ops.preflight.aws import error_code
from ops.preflight.findings import Check, Finding, NotEstablishedError, failed, passed
from ops.preflight.target import Target


def list_checks(target: Target) -> Sequence[Check]:
    """Return the checks of the tools and the credentials."""
    return (
        Check("SAM CLI", partial(_check_sam, target.root)),
        Check("region", partial(_check_region, target)),
        Check("credentials", partial(_check_credentials, target)),
    )


def _check_sam(root: Path) -> Finding:
    """Compare the version on the PATH with the range in pyproject.toml.

    The range starts where SAM expands language extensions and has the resource types of the template.
    """
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    needed = next(Requirement(line) for line in groups["dev"] if str(line).startswith("aws-sam-cli"))
    advice = f'Install SAM CLI {needed.specifier}, or use that of `make setup`: export PATH="$PWD/.venv/bin:$PATH"'
    output = _run("sam", "--version")
    if output is None:
        return failed("sam is not on the PATH", advice)
    version = re.search(r"\d+\.\d+\.\d+", output)
    if version is None:
        raise NotEstablishedError("`sam --version` prints no version")
    if version[0] not in needed.specifier:
        return failed(f"version {version[0]} does not support the template", advice)
    return passed(f"version {version[0]}")


def _check_region(target: Target) -> Finding:
    """Compare the regions that SAM CLI, AWS CLI and boto3 use.

    SAM CLI prefers samconfig.toml to the environment. boto3 reads AWS_DEFAULT_REGION and ignores AWS_REGION. AWS CLI 2
    prefers AWS_REGION to AWS_DEFAULT_REGION, and version 1 ignores it.
    https://docs.aws.amazon.com/boto3/latest/guide/configuration.html#using-environment-variables
    https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
    """
    regions = {"SAM CLI": target.region, "boto3": target.session.region_name or None}
    output = _run("aws", "configure", "list")
    if output is not None:
        line = re.search(r"^ *region *:? +(\S+)", output, re.MULTILINE)
        regions["AWS CLI"] = line[1] if line and line[1] not in {"<not", "None", "env", ":"} else None
    text = ", ".join(f"{tool} {region or 'none'}" for tool, region in regions.items())
    wanted = target.region or "REGION"
    if target.configured_region is None:
        return failed(text, f'Set region = "{wanted}" in [{target.environment}.global.parameters] of samconfig.toml')
    if set(regions.values()) != {target.region}:
        return failed(text, f"export AWS_REGION={wanted} AWS_DEFAULT_REGION={wanted}")
    return passed(
        text, "" if "AWS CLI" in regions else "The AWS CLI is not on the PATH; docs/guides/deploy.md uses it."
    )


def _check_credentials(target: Target) -> Finding:
    try:
        account, arn = target.aws.identify_caller()
    except NoCredentialsError:
        return failed("there are no credentials", "Sign in, or set AWS_PROFILE")
    except ClientError as error:
        return failed(f"AWS rejects the credentials ({error_code(error)})", "Sign in again, or set AWS_PROFILE")
    return passed(f"account {account}, {arn.split(':', 5)[-1]}")


def _run(*command: str) -> str | None:
    """Return the output of a command, or None if it is not on the PATH or does not work."""
    program = shutil.which(command[0])
    if program is None:
        return None
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}
    result = subprocess.run(
        [program, *command[1:]], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    return result.stdout if result.returncode == 0 else None
