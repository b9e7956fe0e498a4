"""The secrets that an operator makes before deploying: the database's address, the keys of cookie, webhooks and AIs."""

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
    """What the template is told of the secrets."""

    mongo: str
    jwt: str
    webhook: str
    provider: str


def read_jwt_secret(config: CloudConfig) -> str:
    """The key that signs cookies here: made once, so that a cookie outlives the system that it was made for."""
    return _keep(config.state / "jwt-secret", secrets.token_hex(32))


def read_webhook_secret(config: CloudConfig) -> str:
    """The key that signs webhooks here: made once, so that a receiver need not be told of another at each start."""
    return _keep(config.state / "webhook-secret", f"whsec_{b64encode(secrets.token_bytes(32)).decode()}")


def _keep(path: Path, fresh: str) -> str:
    """What the file holds; the fresh value where it holds none, or half of one."""
    if not path.exists() or len(path.read_text()) != len(fresh):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(fresh)
    return path.read_text()


def ensure_secrets(config: CloudConfig, endpoint_url: str, *, mongo_uri: str) -> SecretArns:
    """See that the secrets hold what they should, and return their ARNs."""
    return SecretArns(
        mongo=ensure_secret(config, endpoint_url, MONGO_SECRET, mongo_uri),
        jwt=ensure_secret(config, endpoint_url, JWT_SECRET, read_jwt_secret(config)),
        webhook=ensure_secret(config, endpoint_url, WEBHOOK_SECRET, read_webhook_secret(config)),
        provider=ensure_secret(config, endpoint_url, PROVIDER_SECRET, config.provider_keys),
    )


def ensure_secret(config: CloudConfig, endpoint_url: str, name: str, value: str) -> str:
    """A secret whose value changes is made anew: its new ARN makes the deployment replace warm functions."""
    client = open_session(config).client("secretsmanager", endpoint_url=endpoint_url)
    try:
        found = client.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    else:
        if found["SecretString"] == value:
            return found["ARN"]
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    return client.create_secret(Name=name, SecretString=value)["ARN"]
