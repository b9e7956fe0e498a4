"""Find the deployed system that a command is about, and stand in its shoes.

A command runs with the environment variables of the deployed reconciler, the function that may do all that operators
do. So `bootstrap` makes the same things of the same settings here as there (docs/adr/0041).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import OpsError, explain_aws
from videojobs.settings import assume_environment, local_state

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL_PAIR = "test"
"""Opens nothing but the local AWS."""


@dataclass(frozen=True, slots=True)
class System:
    """A deployed stack; `endpoint_url` is None on AWS."""

    stack_name: str
    session: boto3.Session
    endpoint_url: str | None
    outputs: "Mapping[str, str]" = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        """A client of boto3's for one of its services."""
        return self.session.client(service, endpoint_url=self.endpoint_url)


def find_system(*, stack: str | None, profile: str | None, region: str | None) -> System:
    """The named stack on AWS, or, without a name, the local system; its outputs read.

    Raises:
        OpsError: there is none, or it may not be looked at.
    """
    try:
        found = (
            _local() if stack is None else System(stack, boto3.Session(None, None, None, region, None, profile), None)
        )
        described = found.client("cloudformation").describe_stacks(StackName=found.stack_name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise OpsError(explain_aws(error, f"the stack {stack or 'of the local system'}")) from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    if "ReconcilerFunctionName" not in outputs:
        raise OpsError(
            f"The stack {found.stack_name} is no deployed Video Jobs: it has no output ReconcilerFunctionName."
        )
    return System(found.stack_name, found.session, found.endpoint_url, outputs)


def enter_system(system: System) -> None:
    """Take over the reconciler's environment, and credentials that `bootstrap`'s own clients can read.

    Raises:
        OpsError: the function, or any credentials, can't be read.
    """
    try:
        name = system.outputs["ReconcilerFunctionName"]
        configuration = system.client("lambda").get_function_configuration(FunctionName=name)
        credentials = system.session.get_credentials()
        now = credentials and credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError) as error:
        raise OpsError(explain_aws(error, "the reconciler's configuration")) from error
    if now is None:
        raise OpsError("There are no AWS credentials: sign in, or name a profile with --profile.")
    variables = dict(configuration["Environment"]["Variables"])
    variables |= {"AWS_REGION": system.session.region_name, "AWS_ACCESS_KEY_ID": now.access_key}
    variables |= {"AWS_SECRET_ACCESS_KEY": now.secret_key}
    assume_environment(
        variables | ({"AWS_SESSION_TOKEN": now.token} if now.token else {}), without=("AWS_SESSION_TOKEN",)
    )


def _local() -> System:
    path = Path(local_state()) / "stack.json"
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise OpsError(
            f"No local system runs ({path} is not there): start it with `make up`, or name a stack on AWS with --stack."
        ) from None
    session = boto3.Session(_LOCAL_PAIR, _LOCAL_PAIR, region_name="us-east-1")
    return System(found["stackName"], session, found["awsEndpointUrl"])
