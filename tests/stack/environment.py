"""Which deployed environment `make test-real` means, and what may be done to it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property

import boto3
import pymongo
import pymongo.errors
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.deployment import read_stack
from localcloud.stack import Stack
from tests.stack.client import User
from tests.stack.deployed import Deployed

CATEGORIES = ("local", "reads", "writes")
_MONGO_MILLISECONDS = 5000
_PATIENCE_SECONDS = 900
"""What an AI may take for its video; pytest's own limit is longer in `make test-real`."""


@dataclass(frozen=True)
class Environment:
    """A stack that is deployed already; credentials and region come as boto3 finds them."""

    stack_name: str
    may_write: bool
    token: str | None

    @classmethod
    @cache
    def named(cls) -> "Environment | None":
        """The one that `VERIFY_STACK` names; None: the tests make a system of their own."""
        return cls.of(os.environ)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Environment | None":
        """What the variables say."""
        if "VERIFY_STACK" not in variables:
            return None
        if not variables["VERIFY_STACK"]:
            raise pytest.UsageError("Which stack? make test-real STACK=videojobs-dev")
        token, may_write = variables.get("VERIFY_TOKEN") or None, bool(variables.get("VERIFY_WRITE"))
        if token and not may_write:
            raise pytest.UsageError("A TOKEN is for making jobs in its owner's name: say WRITE=1 too, or leave it out")
        return cls(variables["VERIFY_STACK"], may_write, token)

    @cached_property
    def deployed(self) -> Deployed:
        """What AWS says of it."""
        return Deployed(boto3.Session(), self.stack_name, read_only=True)

    def look(self) -> None:
        """See whether it is there.

        Raises:
            pytest.UsageError: it is not, or not for these credentials.
        """
        try:
            found = read_stack(self.deployed.client("cloudformation"), self.stack_name)
        except (ClientError, BotoCoreError) as error:
            raise pytest.UsageError(f"{error} Say AWS_PROFILE=… and REGION=…, as for the AWS CLI.") from error
        if found is None:
            raise pytest.UsageError(f"There is no stack {self.stack_name} in {self.deployed.session.region_name}.")

    def why_not(self, category: str) -> str | None:
        """Why a test of that category does not run; None: it does."""
        if category == "local":
            return "needs the insides of the machine on which the system runs"
        if category == "writes" and not self.may_write:
            return "makes something, and removes it again: WRITE=1 lets it"
        return None


def read_stack_of(named: Environment) -> Stack:
    """How to reach an environment; without a key to sign sessions where that is not needed or may not be read."""
    described = named.deployed.described
    return Stack.of(
        described,
        stack_name=named.stack_name,
        endpoint_url=described.parameters.get("AwsEndpointUrl", ""),
        web_url=described.outputs.get("WebUrl", ""),
        mongo_uri=_read_secret(named.deployed, "MongoSecretArn"),
        secret=_read_secret(named.deployed, "JwtSecretArn") if named.may_write else "",
    )


def _read_secret(deployed: Deployed, parameter: str) -> str:
    try:
        arn = deployed.described.parameters[parameter]
        return str(deployed.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    except (ClientError, BotoCoreError):
        return ""


@contextmanager
def connecting(stack: Stack) -> Iterator["pymongo.MongoClient[dict[str, object]]"]:
    """The environment's MongoDB, where it can be reached from here; else the test is skipped."""
    if not stack.mongo_uri:
        pytest.skip("the secret with MongoDB's address may not be read")
    with pymongo.MongoClient[dict[str, object]](
        stack.mongo_uri, serverSelectionTimeoutMS=_MONGO_MILLISECONDS
    ) as client:
        try:
            client.admin.command("ping")
        except pymongo.errors.PyMongoError:
            pytest.skip("MongoDB can't be reached from here (Atlas: Network Access)")
        yield client


@contextmanager
def leaving_nothing(user: User) -> Iterator[User]:
    """A user whose jobs are removed in the end, also when the test fails; those of this machine's system may stay."""
    if Environment.named():
        user.patience_seconds = _PATIENCE_SECONDS
    try:
        yield user
    finally:
        if Environment.named() and (user.made or not user.given_token) and (user.given_token or user.stack.jwt_secret):
            user.leave_nothing()
