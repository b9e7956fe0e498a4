"""The deployed environment that `make test-real` verifies, and the tests that are allowed there."""

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
from bson import ObjectId

from localcloud.deployment import read_stack
from localcloud.stack import Stack
from tests.stack.client import User
from tests.stack.deployed import Deployed

CATEGORIES = ("local", "reads", "writes")
_MONGO_MILLISECONDS = 5000
_PATIENCE_SECONDS = 900
"""Timeout of a job with a real AI provider. The pytest timeout of `make test-real` is longer."""


@dataclass(frozen=True)
class Environment:
    """An existing stack. boto3 resolves the credentials and the region."""

    stack_name: str
    may_write: bool
    token: str | None

    @classmethod
    @cache
    def named(cls) -> "Environment | None":
        """Return the environment that `VERIFY_STACK` names; None if the tests start their own system."""
        return cls.of(os.environ)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Environment | None":
        """Return the environment that the variables describe, or None without `VERIFY_STACK`.

        Raises:
            pytest.UsageError: If the variables are incomplete or contradict each other.
        """
        if "VERIFY_STACK" not in variables:
            return None
        if not variables["VERIFY_STACK"]:
            raise pytest.UsageError("Which stack? make test-real STACK=videojobs-dev")
        token, may_write = variables.get("VERIFY_TOKEN") or None, bool(variables.get("VERIFY_WRITE"))
        if token and not may_write:
            raise pytest.UsageError("TOKEN creates jobs of its user. Set WRITE=1 too, or omit TOKEN.")
        return cls(variables["VERIFY_STACK"], may_write, token)

    @cached_property
    def deployed(self) -> Deployed:
        """Return the stack as AWS describes it, with clients that only read."""
        endpoint_url = os.environ.get("AWS_ENDPOINT_URL") or None  # of the local AWS
        return Deployed(boto3.Session(), self.stack_name, endpoint_url, read_only=True)

    def look(self) -> None:
        """Check that the stack exists.

        Raises:
            pytest.UsageError: If it does not exist or the credentials can't access it.
        """
        try:
            stack = read_stack(self.deployed.client("cloudformation"), self.stack_name)
        except (ClientError, BotoCoreError) as error:
            raise pytest.UsageError(f"{error} Set AWS_PROFILE=… and REGION=…, as for the AWS CLI.") from error
        if stack is None:
            raise pytest.UsageError(f"There is no stack {self.stack_name} in {self.deployed.session.region_name}.")

    def why_not(self, category: str) -> str | None:
        """Return the reason why tests of the category are skipped; None if they run."""
        if category == "local":
            return "needs access to the machine that runs the system"
        if category == "writes" and not self.may_write:
            return "creates and deletes resources: allow it with WRITE=1"
        return None


def read_stack_of(named: Environment) -> Stack:
    """Return the addresses and secrets of an environment. Secrets that are not readable or not needed are empty."""
    described = named.deployed.described
    return Stack.of(
        described,
        stack_name=named.stack_name,
        endpoint_url=named.deployed.endpoint_url or "",
        web_url="",
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
    """Yield a client of the environment's MongoDB; skip the test if MongoDB is not reachable from here."""
    if not stack.mongo_uri:
        pytest.skip("the secret with the MongoDB connection string is not readable")
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
    """Yield the user, and delete the user's jobs afterwards, also after a failure. On a local system, cancel them."""
    if Environment.named():
        user.patience_seconds = _PATIENCE_SECONDS
    try:
        yield user
    finally:
        if Environment.named() is None:
            _cancel_jobs(user)
        elif (user.made or not user.given_token) and (user.given_token or user.stack.jwt_secret):
            user.leave_nothing()


def _cancel_jobs(user: User) -> None:
    """Cancel the user's live jobs, which the local system would otherwise render during the next tests."""
    live = {"userId": ObjectId(user.id), "status": {"$in": ["queued", "processing"]}}
    with pymongo.MongoClient[dict[str, object]](user.stack.mongo_uri) as client:
        for job in client.get_default_database()["videojobs"].find(live, {"_id": 1}):
            user.call("POST", f"/api/videos/{job['_id']}/cancel")
