"""Secrets that the template expects: the MongoDB URI, and the keys of cookies, webhooks and providers."""

import secrets
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from localcloud.aws import open_session
from localcloud.config import CloudConfig

MONGO_SECRET = "videojobs/local/mongodb"  # noqa: S105 - a name
JWT_SECRET = "videojobs/local/jwt"  # noqa: S105 - a name
WEBHOOK_SECRET = "videojobs/local/webhooks"  # noqa: S105 - a name
PROVIDER_SECRET = "videojobs/local/providers"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class SecretArns:
    """ARNs of the secrets, as parameters of the template."""

    mongo: str
    jwt: str
    webhook: str
    provider: str


def read_jwt_secret(config: CloudConfig) -> str:
    """Return the key that signs session cookies, stored in the state folder.

    It is created at the first call and kept, so that cookies outlive a restart.
    """
    return _keep(config.state / "jwt-secret", secrets.token_hex(32))


def read_webhook_secret(config: CloudConfig) -> str:
    """Return the key that signs webhooks, stored in the state folder.

    It is created at the first call and kept, so that receivers of webhooks can keep it too.
    """
    return _keep(config.state / "webhook-secret", f"whsec_{b64encode(secrets.token_bytes(32)).decode()}")


def _keep(path: Path, new_value: str) -> str:
    """Return the value in the file; write `new_value` first if the file is missing or incomplete."""
    if not path.exists() or len(path.read_text()) != len(new_value):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(new_value)
    return path.read_text()


def ensure_secrets(config: CloudConfig, endpoint_url: str, *, mongo_uri: str) -> SecretArns:
    """Create or update the four secrets of the local system in Secrets Manager, and return their ARNs.

    Raises:
        BotoCoreError, ClientError: If the local AWS does not respond or reports an error.
    """
    return SecretArns(
        mongo=ensure_secret(config, endpoint_url, MONGO_SECRET, mongo_uri),
        jwt=ensure_secret(config, endpoint_url, JWT_SECRET, read_jwt_secret(config)),
        webhook=ensure_secret(config, endpoint_url, WEBHOOK_SECRET, read_webhook_secret(config)),
        provider=ensure_secret(config, endpoint_url, PROVIDER_SECRET, config.provider_keys),
    )


def ensure_secret(config: CloudConfig, endpoint_url: str, name: str, value: str) -> str:
    """Create the secret unless it already has this value, and return its ARN.

    A secret with another value is deleted and created again. Its new ARN changes the deployment, which replaces the
    warm execution environments that still use the old value.

    Raises:
        BotoCoreError, ClientError: If the local AWS does not respond or reports an error.
    """
    client = open_session(config).client("secretsmanager", endpoint_url=endpoint_url)
    try:
        secret = client.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    else:
        if secret["SecretString"] == value:
            return secret["ARN"]
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    return client.create_secret(Name=name, SecretString=value)["ARN"]
