"""The deployed system of a command, and the environment in which the command runs.

A command runs with the environment variables of the deployed reconciler, which has all permissions that commands need.
Therefore `bootstrap` creates the same objects from the same settings as in the function (docs/adr/0041). A command that
needs the options of the providers runs with those of `render`.
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
"""The access key and secret key of the local AWS, which are valid nowhere else."""


@dataclass(frozen=True, slots=True)
class System:
    """Deployed CloudFormation stack of this project. `endpoint_url` is the address of the local AWS, or None on AWS."""

    stack_name: str
    session: boto3.Session
    endpoint_url: str | None
    outputs: "Mapping[str, str]" = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        """Return a boto3 client for an AWS service, such as `sqs`. No request is sent.

        Raises:
            BotoCoreError: If no region is configured.
        """
        return self.session.client(service, endpoint_url=self.endpoint_url)


def find_system(*, stack: str | None, profile: str | None, region: str | None) -> System:
    """Return the named stack on AWS with its outputs, or the local system of `make up` if `stack` is None.

    `profile` and `region` select the AWS credentials and region; None uses the defaults of boto3.

    Raises:
        OpsError: If there is no such system, it is not a Video Jobs stack, AWS does not respond, or the credentials do
            not allow access.
    """
    try:
        system = (
            _local() if stack is None else System(stack, boto3.Session(None, None, None, region, None, profile), None)
        )
        description = system.client("cloudformation").describe_stacks(StackName=system.stack_name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise OpsError(explain_aws(error, f"the stack {stack or 'of the local system'}")) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    if "ReconcilerFunctionName" not in outputs:
        raise OpsError(
            f"The stack {system.stack_name} is not a Video Jobs stack: it has no output ReconcilerFunctionName. "
            "Check --stack."
        )
    return System(system.stack_name, system.session, system.endpoint_url, outputs)


def enter_system(system: System, function: str = "Reconciler") -> None:
    """Set the environment variables of a function of the system and the operator's AWS credentials in this process.

    Call it before the first use of `bootstrap`, which then creates the same objects as in the function.

    Raises:
        OpsError: If the function's configuration can't be read or there are no AWS credentials.
    """
    try:
        name = system.outputs[f"{function}FunctionName"]
        configuration = system.client("lambda").get_function_configuration(FunctionName=name)
        credentials = system.session.get_credentials()
        frozen = credentials and credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError) as error:
        raise OpsError(explain_aws(error, f"the configuration of the function {function.lower()}")) from error
    if frozen is None:
        raise OpsError("No AWS credentials were found. Sign in, or select a profile with --profile.")
    variables = dict(configuration["Environment"]["Variables"])
    variables |= {"AWS_REGION": system.session.region_name, "AWS_ACCESS_KEY_ID": frozen.access_key}
    variables |= {"AWS_SECRET_ACCESS_KEY": frozen.secret_key}
    assume_environment(
        variables | ({"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}), without=("AWS_SESSION_TOKEN",)
    )


def _local() -> System:
    path = Path(local_state()) / "stack.json"
    try:
        state = json.loads(path.read_text())
    except FileNotFoundError:
        raise OpsError(
            f"The local system is not running ({path} does not exist). Start it with `make up`, or select a stack on "
            "AWS with --stack."
        ) from None
    session = boto3.Session(_LOCAL_PAIR, _LOCAL_PAIR, region_name="us-east-1")
    return System(state["stackName"], session, state["awsEndpointUrl"])
