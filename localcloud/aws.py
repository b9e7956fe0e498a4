"""The local AWS as its clients see it: boto3's sessions, and the environment for tools such as sam."""

import os

import boto3

from localcloud.config import CloudConfig

# The local AWS takes this pair for its root user.
ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105 - opens nothing but the local AWS


def open_session(config: CloudConfig) -> boto3.Session:
    """A boto3 session of the local AWS's root user; clients still need the endpoint URL."""
    return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=config.region)


def tool_environment(config: CloudConfig, endpoint_url: str) -> dict[str, str]:
    """This process's environment, cut off from any real AWS account and with the checkout's tools first on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return {
        **kept,
        "PATH": f"{config.tools}:{config.uv}:{os.environ.get('PATH', os.defpath)}",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.5",  # seconds between its looks at a deployment; 5 otherwise
    }
