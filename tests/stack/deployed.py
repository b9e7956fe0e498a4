"""A deployed environment as AWS describes it: the local one, or one that the AWS credentials can access."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.deployment import DeployedStack, read_stack

SAM_STACK = "aws-sam-cli-managed-default"
"""The stack that `sam deploy --resolve-s3` creates for its artifacts bucket."""


_READING = ("Describe", "Detect", "Get", "List", "Simulate")
"""Prefixes of the names of operations that change nothing; `Detect` is drift detection."""


ALIAS = "live"
"""The alias through which functions are invoked (AutoPublishAlias in the template)."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Resource that CloudFormation created."""

    name: str
    """Logical ID."""
    kind: str
    id: str
    """Physical ID."""


def _refuse_changes(model: Any, **_: object) -> None:
    if not model.name.startswith(_READING):
        raise PermissionError(f"{model.name} could change something, and this environment is read-only")


@dataclass(frozen=True)
class Deployed:
    """One stack, and AWS clients for it."""

    session: boto3.Session
    stack_name: str
    endpoint_url: str | None = None
    """Endpoint of a local AWS emulator; None on AWS."""
    read_only: bool = False
    """Whether the clients raise PermissionError for every call that could change something, before it is sent."""
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        """Return a boto3 client of the service, with the credentials of the person who runs the tests."""
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 5})
            client = self.session.client(service, endpoint_url=self.endpoint_url, config=config)
            if self.read_only:
                client.meta.events.register("before-call", _refuse_changes)
            self._clients[service] = client
        return self._clients[service]

    @cached_property
    def described(self) -> DeployedStack:
        """Return the stack's status, outputs and parameters."""
        stack = read_stack(self.client("cloudformation"), self.stack_name)
        assert stack is not None, f"there is no stack {self.stack_name} in {self.session.region_name}"
        return stack

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """Return the stack's resources by logical ID."""
        return {resource.name: resource for resource in self._list(self.stack_name)}

    @cached_property
    def monitoring(self) -> "Deployed":
        """Return the nested stack with the alarms, the topic and the dashboard."""
        return Deployed(self.session, self.resources["Monitoring"].id, self.endpoint_url, read_only=self.read_only)

    @cached_property
    def artifacts_bucket(self) -> str | None:
        """Return SAM's artifacts bucket; None if another tool deployed the stack or access is denied."""
        try:
            return next((it.id for it in self._list(SAM_STACK) if it.kind == "AWS::S3::Bucket"), None)
        except ClientError:
            return None

    def _list(self, stack_name: str) -> list[Resource]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
        summaries = [it for page in pages for it in page["StackResourceSummaries"]]
        return [
            Resource(it["LogicalResourceId"], it["ResourceType"], it.get("PhysicalResourceId", "")) for it in summaries
        ]

    def of_kind(self, kind: str) -> list[Resource]:
        """Return the resources of a CloudFormation type."""
        return [resource for resource in self.resources.values() if resource.kind == kind]

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """Return the configurations of the functions' live versions, by the name of their folder."""
        get = self.client("lambda").get_function_configuration
        return {
            it.name.removesuffix("Function").lower(): get(**self.called(it.name))
            for it in self.of_kind("AWS::Lambda::Function")
        }

    def called(self, name: str) -> dict[str, str]:
        """Return FunctionName and, if the function has the alias, Qualifier as parameters. `name` is the logical ID."""
        function = {"FunctionName": self.resources[name].id}
        return function | ({"Qualifier": ALIAS} if f"{name}Alias{ALIAS}" in self.resources else {})

    @property
    def is_local(self) -> bool:
        """Return True for the local system."""
        return self.described.parameters["Environment"] == "local"

    @cached_property
    def account(self) -> str:
        """Return the ID of the AWS account."""
        return str(next(iter(self.functions.values()))["FunctionArn"]).split(":")[4]

    @cached_property
    def region(self) -> str:
        """Return the AWS region."""
        return str(next(iter(self.functions.values()))["FunctionArn"]).split(":")[3]

    @cached_property
    def partition(self) -> str:
        """Return the AWS partition: `aws`, `aws-cn` or `aws-us-gov`."""
        return str(next(iter(self.functions.values()))["FunctionArn"]).split(":")[1]

    def arn(self, service: str, rest: str) -> str:
        """Return an ARN in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def arn_of(self, resource: Resource) -> str:
        """Return the resource's ARN, or its physical ID for types of which the template uses no ARN."""
        id_ = resource.id
        arns = {
            "AWS::SQS::Queue": self.arn("sqs", id_.rsplit("/", 1)[-1]),
            "AWS::Lambda::Function": self.arn("lambda", f"function:{id_}"),
            "AWS::Logs::LogGroup": self.arn("logs", f"log-group:{id_}:*"),
            "AWS::IAM::Role": f"arn:{self.partition}:iam::{self.account}:role/{id_}",
            "AWS::S3::Bucket": f"arn:{self.partition}:s3:::{id_}",
            "AWS::KMS::Key": self.arn("kms", f"key/{id_}"),
        }
        return arns.get(resource.kind, id_)
