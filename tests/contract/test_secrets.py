"""The cache of secrets: read once, read again after an hour or a refusal, and kept during an outage."""

from typing import TYPE_CHECKING, Unpack, cast
from uuid import uuid4

import boto3
import pytest

from tests.aws import REGION, light_secrets_manager
from tests.servers import free_port
from videojobs.adapters.aws_clients import LightSecretsManagerClient
from videojobs.adapters.secrets import MAXIMUM_AGE_SECONDS, MINIMUM_REFRESH_SECONDS, CachedSecret
from videojobs.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import GetSecretValueRequestTypeDef, GetSecretValueResponseTypeDef


class RotatingSecret:
    """A secret in Secrets Manager whose value tests change, read with a clock that tests advance."""

    def __init__(self, endpoint: str) -> None:
        self._manager = boto3.client("secretsmanager", region_name="us-east-1", endpoint_url=endpoint)
        self.arn = self._manager.create_secret(Name=uuid4().hex, SecretString="first")["ARN"]
        self.seconds = 1000.0
        self.secret = CachedSecret(self.arn, light_secrets_manager(endpoint), monotonic=lambda: self.seconds)

    def rotate(self, value: str) -> None:
        self._manager.put_secret_value(SecretId=self.arn, SecretString=value)

    def rotate_binary(self, value: bytes) -> None:
        self._manager.put_secret_value(SecretId=self.arn, SecretBinary=value)

    def delete(self) -> None:
        self._manager.delete_secret(SecretId=self.arn, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def rotating(aws: str) -> RotatingSecret:
    """Return a secret whose value is `first`."""
    return RotatingSecret(aws)


def test_a_secret_is_read_once_and_then_cached(rotating: RotatingSecret) -> None:
    assert rotating.secret.get() == "first"
    rotating.rotate("second")
    rotating.seconds += MAXIMUM_AGE_SECONDS
    assert rotating.secret.get() == "first"


def test_an_old_secret_is_read_again(rotating: RotatingSecret) -> None:
    assert rotating.secret.get() == "first"
    rotating.rotate("second")
    rotating.seconds += MAXIMUM_AGE_SECONDS + 1
    assert rotating.secret.get() == "second"


def test_a_refused_secret_is_read_again_but_not_at_every_refusal(rotating: RotatingSecret) -> None:
    assert rotating.secret.get() == "first"
    rotating.rotate("second")
    assert rotating.secret.get(refresh=True) == "first"
    rotating.seconds += MINIMUM_REFRESH_SECONDS + 1
    assert rotating.secret.get(refresh=True) == "second"
    rotating.rotate("third")
    assert rotating.secret.get(refresh=True) == "second"


@pytest.mark.parametrize("value", ['with "quotes" and \\', "ünïcödé \N{KEY}", '{"json": true}', " spaces "])
def test_any_value_is_returned_unchanged(rotating: RotatingSecret, value: str) -> None:
    rotating.rotate(value)
    assert rotating.secret.get() == value


def test_the_cached_value_is_used_during_an_outage(rotating: RotatingSecret) -> None:
    assert rotating.secret.get() == "first"
    rotating.delete()
    rotating.seconds += MAXIMUM_AGE_SECONDS + 1
    assert rotating.secret.get() == "first"
    assert rotating.secret.get(refresh=True) == "first"


def test_a_failed_read_is_repeated_after_ten_seconds() -> None:
    answers: list[str | Exception] = ["first", Unavailable(), "second"]
    reads: list[float] = []
    seconds = [1000.0]

    class Manager(LightSecretsManagerClient):
        def get_secret_value(
            self, **_request: "Unpack[GetSecretValueRequestTypeDef]"
        ) -> "GetSecretValueResponseTypeDef":
            reads.append(seconds[0])
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return cast("GetSecretValueResponseTypeDef", {"SecretString": answer})

    manager = Manager("http://127.0.0.1:9", region=REGION)
    secret = CachedSecret("arn", manager, monotonic=lambda: seconds[0])
    assert secret.get() == "first"
    for passed, value in [(MAXIMUM_AGE_SECONDS + 1, "first"), (5, "first"), (6, "second"), (11, "second")]:
        seconds[0] += passed
        assert secret.get() == value
    assert reads == [1000.0, 1301.0, 1312.0]


def test_a_binary_secret_is_read_as_text(rotating: RotatingSecret) -> None:
    rotating.rotate_binary('{"key": "ü"}'.encode())
    assert rotating.secret.get() == '{"key": "ü"}'


def test_a_binary_secret_that_is_not_text_is_unavailable(rotating: RotatingSecret) -> None:
    rotating.rotate_binary(b"\xff\xfe")
    with pytest.raises(Unavailable):
        rotating.secret.get()


def test_a_missing_secret_raises_unavailable_at_every_call(rotating: RotatingSecret) -> None:
    rotating.delete()
    for _ in range(2):
        with pytest.raises(Unavailable):
            rotating.secret.get()


def test_an_unreachable_secrets_manager_raises_unavailable(aws: str) -> None:
    nowhere = CachedSecret("arn", light_secrets_manager(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable):
        nowhere.get()
