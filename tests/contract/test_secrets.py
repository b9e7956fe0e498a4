"""`CachedSecret` on Secrets Manager: read once, read again when it is old or refused, kept while nobody answers."""

from uuid import uuid4

import boto3
import pytest

from tests.servers import free_port
from videojobs.adapters.aws import AwsJsonClient
from videojobs.adapters.secrets import MAXIMUM_AGE_SECONDS, MINIMUM_REFRESH_SECONDS, CachedSecret
from videojobs.domain.errors import Unavailable


class Rotating:
    """A secret in Secrets Manager that a test changes, and a clock that it moves."""

    def __init__(self, endpoint: str) -> None:
        self._manager = boto3.client("secretsmanager", region_name="us-east-1", endpoint_url=endpoint)
        self.arn = self._manager.create_secret(Name=uuid4().hex, SecretString="first")["ARN"]
        self.seconds = 1000.0
        self.secret = CachedSecret(self.arn, client(endpoint), monotonic=lambda: self.seconds)

    def rotate(self, value: str) -> None:
        self._manager.put_secret_value(SecretId=self.arn, SecretString=value)

    def vanish(self) -> None:
        self._manager.delete_secret(SecretId=self.arn, ForceDeleteWithoutRecovery=True)


def client(endpoint: str) -> AwsJsonClient:
    """Speaks with Secrets Manager."""
    return AwsJsonClient("secretsmanager", "secretsmanager", version="1.1", region="us-east-1", endpoint_url=endpoint)


@pytest.fixture
def rotating(aws: str) -> Rotating:
    """A secret whose value is `first`."""
    return Rotating(aws)


def test_a_secret_is_read_once_and_then_known(rotating: Rotating) -> None:
    assert rotating.secret.get() == "first"
    rotating.rotate("second")
    rotating.seconds += MAXIMUM_AGE_SECONDS
    assert rotating.secret.get() == "first"


def test_a_secret_that_is_old_is_read_again(rotating: Rotating) -> None:
    assert rotating.secret.get() == "first"
    rotating.rotate("second")
    rotating.seconds += MAXIMUM_AGE_SECONDS + 1
    assert rotating.secret.get() == "second"


def test_a_secret_that_was_refused_is_read_again_but_not_at_every_refusal(rotating: Rotating) -> None:
    assert rotating.secret.get() == "first"
    rotating.rotate("second")
    assert rotating.secret.get(refresh=True) == "first"
    rotating.seconds += MINIMUM_REFRESH_SECONDS + 1
    assert rotating.secret.get(refresh=True) == "second"
    rotating.rotate("third")
    assert rotating.secret.get(refresh=True) == "second"


@pytest.mark.parametrize("value", ['with "quotes" and \\', "ünïcödé \N{KEY}", '{"json": true}', " spaces "])
def test_any_value_is_read_as_it_is(rotating: Rotating, value: str) -> None:
    rotating.rotate(value)
    assert rotating.secret.get() == value


def test_a_value_once_read_is_used_while_nobody_answers(rotating: Rotating) -> None:
    assert rotating.secret.get() == "first"
    rotating.vanish()
    rotating.seconds += MAXIMUM_AGE_SECONDS + 1
    assert rotating.secret.get() == "first"
    assert rotating.secret.get(refresh=True) == "first"


def test_a_secret_that_is_not_there_is_told_each_time(rotating: Rotating) -> None:
    rotating.vanish()
    for _ in range(2):
        with pytest.raises(Unavailable):
            rotating.secret.get()


def test_where_nobody_answers_it_is_told(aws: str) -> None:
    nowhere = CachedSecret("arn", client(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable):
        nowhere.get()
