"""IAM actions that CloudFormation needs to deploy the templates, by the resource schemas that AWS publishes.

The schema of a type lists the permissions of the handlers that create, read, update and delete a resource:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html

cfn-lint contains the schemas.
"""

from collections.abc import Iterator
from functools import cache

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.template.parsed import template
from tests.template.resolved import ACCOUNT, IAM, REGION
from tests.template.translated import translate

STACK = "videojobs-prod"
"""The stack of an environment with CodeDeploy, whose resources are those of all environments."""


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


FUNCTION = _arn("lambda", f"function:{STACK}-StatusFunction-x")
_ARTIFACT = f"arn:aws:s3:::videojobs-artifacts-prod-{ACCOUNT}-{REGION}/x"
_ROLE = f"{IAM}:role/{STACK}-StatusRole-x"
_ARNS = {
    "AWS::ApiGateway": f"arn:aws:apigateway:{REGION}::/restapis/x",
    "AWS::ApiGateway::BasePathMapping": f"arn:aws:apigateway:{REGION}::/domainnames/api.example.com/basepathmappings",
    "AWS::ApiGateway::DomainName": f"arn:aws:apigateway:{REGION}::/domainnames/api.example.com",
    "AWS::ApiGatewayV2": f"arn:aws:apigateway:{REGION}::/apis/x",
    "AWS::ApiGatewayV2::ApiMapping": f"arn:aws:apigateway:{REGION}::/domainnames/live.example.com/apimappings",
    "AWS::ApiGatewayV2::DomainName": f"arn:aws:apigateway:{REGION}::/domainnames/live.example.com",
    "AWS::CloudFormation": _arn("cloudformation", f"stack/{STACK}-Monitoring-x/1"),
    "AWS::CloudTrail": _arn("cloudtrail", f"trail/{STACK}-videos"),
    "AWS::CloudWatch": _arn("cloudwatch", f"alarm:{STACK}-api-errors"),
    "AWS::CloudWatch::Dashboard": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{STACK}-{REGION}",
    "AWS::CodeDeploy::Application": _arn("codedeploy", f"application:{STACK}-ServerlessDeploymentApplication-x"),
    "AWS::CodeDeploy::DeploymentGroup": _arn("codedeploy", f"deploymentgroup:{STACK}-Serverless-x/{STACK}-Status-x"),
    "AWS::Events": _arn("events", f"rule/{STACK}-ReconcilerFunctionEachMinute-x"),
    "AWS::IAM::ManagedPolicy": f"{IAM}:policy/{STACK}-RuntimePolicy-x",
    "AWS::IAM::Role": _ROLE,
    "AWS::KMS": _arn("kms", "key/1"),
    "AWS::Lambda": FUNCTION,
    "AWS::Lambda::EventSourceMapping": _arn("lambda", "event-source-mapping:1"),
    "AWS::Lambda::LayerVersion": _arn("lambda", f"layer:{STACK}-common:1"),
    "AWS::Logs": _arn("logs", f"log-group:/videojobs/{STACK}/status"),
    "AWS::Route53": "arn:aws:route53:::hostedzone/ZOWN",
    "AWS::S3": f"arn:aws:s3:::{STACK}-videosbucket-x",
    "AWS::SNS": _arn("sns", f"{STACK}-alarms"),
    "AWS::SQS": _arn("sqs", f"{STACK}-JobsQueue-x"),
    "AWS::SecretsManager": _arn("secretsmanager", f"secret:{STACK}/studio-x"),
    "AWS::WAFv2": _arn("wafv2", "regional/webacl/x/1"),
}
"""A resource of each type, or of each service."""
_OTHERS = {
    "apigateway": [f"arn:aws:apigateway:{REGION}::/restapis/x/stages/prod"],
    "codedeploy": [_ARNS["AWS::CodeDeploy::DeploymentGroup"]],
    "iam": [_ROLE, f"{IAM}:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway"],
    "kms": [_ARNS["AWS::KMS"]],
    "s3": [_ARTIFACT],
}
"""Resources of other services that the handlers of a type use, by service."""
_WITHOUT_HANDLERS = {
    "AWS::Route53::RecordSetGroup": ("route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone"),
}
"""Actions for types that CloudFormation implements without a published handler."""
NOT_NEEDED = {
    "amplify:*": "the web ACL is for API Gateway only",
    "apprunner:*": "as above",
    "appsync:*": "as above",
    "bedrock-agentcore:*": "as above",
    "cognito-idp:*": "as above",
    "ec2:*VerifiedAccess*": "as above",
    "elasticloadbalancing:*": "as above",
    "cloudformation:SetStackPolicy": "the nested stack has no stack policy",
    "cloudformation:UpdateTerminationProtection": "the nested stack has no termination protection",
    "elasticfilesystem:*": "no function has a file system",
    "firehose:*": "no log group delivers to a stream",
    "iam:*GroupPolicy": "no group has the shared policy",
    "iam:*UserPolicy": "no user has the shared policy",
    "iam:CreateServiceLinkedRole": "for a trail of an organization",
    "iam:DeleteRolePermissionsBoundary": "refused on purpose: every role keeps its boundary",
    "kms:CreateGrant": "no function or event source has a key of the customer",
    "kms:Decrypt": "as above",
    "kms:Encrypt": "as above",
    "kms:GenerateDataKey": "as above",
    "organizations:*": "the trail is not of an organization",
    "payments:*": "the web ACL has no paid rule group of AWS Marketplace",
    "s3:GetObjectVersion": "sam names an artifact by its digest and refers to no version",
    "s3files:*": "no function has a file system",
    "s3tables:*": "no bucket has a metadata table",
}
"""Patterns of actions in the schemas that these templates do not need, with the reason."""


@cache
def kinds() -> list[str]:
    """Return the resource types of a deployment of template.yaml and of its nested stack, without custom resources."""
    nested = template("monitoring")["Resources"].items()
    loops = [resource for name, value in nested if name.startswith("Fn::ForEach::") for resource in value[2].values()]
    plain = [value for name, value in nested if not name.startswith("Fn::ForEach::")]
    every = {resource["Type"] for resource in (*translate(Environment="prod").values(), *loops, *plain)}
    return sorted(kind for kind in every if not kind.startswith("Custom::"))


def actions(kind: str) -> set[str]:
    """Return the actions that CloudFormation's handlers of a resource type may call."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
    used = (handlers.get(name, {}) for name in ("create", "read", "update", "delete"))  # `list` is for import
    needed = {action for handler in used for action in handler.get("permissions", ())}
    return needed or set(_WITHOUT_HANDLERS[kind])


def resources(kind: str, action: str) -> Iterator[str]:
    """Yield the resources to which an action of a type's handlers can apply, and `*`."""
    yield _ARNS.get(kind) or _ARNS[kind.rpartition("::")[0]]
    yield from _OTHERS.get(action.partition(":")[0].lower(), ())
    yield "*"
