"""A deployed environment as AWS describes it: the local one, or any that AWS credentials reach."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.deployment import DeployedStack, read_stack

SAM_STACK = "aws-sam-cli-managed-default"
"""The stack that `sam deploy --resolve-s3` makes for its own bucket."""


_READING = ("Describe", "Detect", "Get", "List", "Simulate")
"""What the names of calls that change nothing begin with; `Detect` compares (drift)."""


ALIAS = "live"
"""What everything calls of a function (AutoPublishAlias of the template)."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that CloudFormation made."""

    name: str
    """Its logical id."""
    kind: str
    id: str
    """Its physical id."""


def _refuse_changes(model: Any, **_: object) -> None:
    if not model.name.startswith(_READING):
        raise PermissionError(f"{model.name} could change something, and this environment is only looked at")


@dataclass(frozen=True)
class Deployed:
    """One stack, and the clients that look at it."""

    session: boto3.Session
    stack_name: str
    endpoint_url: str | None = None
    """Where a local AWS listens; None on AWS."""
    read_only: bool = False
    """Whether its clients refuse every call that could change something, before it is sent."""
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        """A client of that service, of whoever runs the tests."""
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 5})
            made = self.session.client(service, endpoint_url=self.endpoint_url, config=config)
            if self.read_only:
                made.meta.events.register("before-call", _refuse_changes)
            self._clients[service] = made
        return self._clients[service]

    @cached_property
    def described(self) -> DeployedStack:
        """Its status, outputs and parameters."""
        found = read_stack(self.client("cloudformation"), self.stack_name)
        assert found is not None, f"there is no stack {self.stack_name} in {self.session.region_name}"
        return found

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """All that CloudFormation made, by logical id."""
        return {each.name: each for each in self._list(self.stack_name)}

    @cached_property
    def artifacts_bucket(self) -> str | None:
        """Where sam keeps what it deploys; None where another tool has deployed, or it may not be asked."""
        try:
            return next((it.id for it in self._list(SAM_STACK) if it.kind == "AWS::S3::Bucket"), None)
        except ClientError:
            return None

    def _list(self, stack_name: str) -> list[Resource]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
        found = [it for page in pages for it in page["StackResourceSummaries"]]
        return [Resource(it["LogicalResourceId"], it["ResourceType"], it.get("PhysicalResourceId", "")) for it in found]

    def of_kind(self, kind: str) -> list[Resource]:
        """All resources of a type."""
        return [each for each in self.resources.values() if each.kind == kind]

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions' configurations, by their folder's name: of the version that is called."""
        get = self.client("lambda").get_function_configuration
        return {
            it.name.removesuffix("Function").lower(): get(**self.called(it.name))
            for it in self.of_kind("AWS::Lambda::Function")
        }

    def called(self, name: str) -> dict[str, str]:
        """A function and its alias as Lambda's calls want them, by its logical id; one has no alias."""
        function = {"FunctionName": self.resources[name].id}
        return function | ({"Qualifier": ALIAS} if f"{name}Alias{ALIAS}" in self.resources else {})

    @property
    def is_local(self) -> bool:
        """Whether it is the system of one machine."""
        return self.described.parameters["Environment"] == "local"

    @cached_property
    def account(self) -> str:
        """The number of the AWS account."""
        return str(next(iter(self.functions.values()))["FunctionArn"]).split(":")[4]

    @cached_property
    def region(self) -> str:
        """The AWS region."""
        return str(next(iter(self.functions.values()))["FunctionArn"]).split(":")[3]

    @cached_property
    def partition(self) -> str:
        """`aws`, in China and for governments another."""
        return str(next(iter(self.functions.values()))["FunctionArn"]).split(":")[1]

    def arn(self, service: str, rest: str) -> str:
        """An ARN of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def arn_of(self, resource: Resource) -> str:
        """What `!GetAtt` of its ARN is; of a kind that the template asks no ARN of, its id."""
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
