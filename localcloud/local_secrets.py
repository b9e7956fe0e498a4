"""The two secrets that an operator makes before deploying: the database's address and the key of the session cookie."""

import secrets
from dataclasses import dataclass

from botocore.exceptions import ClientError

from localcloud.aws import open_session
from localcloud.config import CloudConfig

MONGO_SECRET = "videojobs/local/mongodb"  # noqa: S105 - a name
JWT_SECRET = "videojobs/local/jwt"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class SecretArns:
    """What the template is told of the secrets."""

    mongo: str
    jwt: str


def read_jwt_secret(config: CloudConfig) -> str:
    """The key that signs cookies here: made once, so that a cookie outlives the system that it was made for."""
    path = config.state / "jwt-secret"
    if not path.exists() or len(path.read_text()) != 64:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def ensure_secrets(config: CloudConfig, endpoint_url: str, *, mongo_uri: str) -> SecretArns:
    """See that both secrets hold what they should, and return their ARNs."""
    return SecretArns(
        mongo=ensure_secret(config, endpoint_url, MONGO_SECRET, mongo_uri),
        jwt=ensure_secret(config, endpoint_url, JWT_SECRET, read_jwt_secret(config)),
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
