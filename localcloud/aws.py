"""Access to the local AWS: boto3 sessions, and the environment variables of tools such as sam."""

import os

import boto3

from localcloud.config import CloudConfig

# MiniStack accepts this pair as its root user.
ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105 - valid on the local AWS only


def open_session(config: CloudConfig) -> boto3.Session:
    """Return a boto3 session with the root user's keys; each client still needs the endpoint URL."""
    return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=config.region)


def tool_environment(config: CloudConfig, endpoint_url: str) -> dict[str, str]:
    """Return this process's environment variables for a tool that works on the local AWS.

    All settings and credentials of AWS and sam are replaced with those of the local AWS at `endpoint_url`, so that the
    tool cannot reach a real AWS account. The checkout's tools are first on PATH.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return {
        **inherited,
        "PATH": f"{config.tools}:{config.uv}:{os.environ.get('PATH', os.defpath)}",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.5",  # seconds between requests for the deployment's state; sam's default is 5
    }
