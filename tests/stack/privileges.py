"""Calls to AWS that a function's role must allow or deny in a deployed environment.

An attempt does no harm even if it is allowed: for example its message is empty, its receipt handle is unknown or its
digest is wrong. Calls that could do harm are only simulated.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.stack.deployed import Deployed, Resource
from tests.template.privileges import CONNECTIONS

_REFUSALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
SECRET_PARAMETERS = ("MongoSecretArn", "JwtSecretArn", "WebhookSecretArn", "ProviderSecretArn")
FOREIGN = "a resource outside the stack"
_NOBODY = "unknown-0123456789"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to try."""

    action: str
    label: str
    """The target, as `tests/template/privileges.py` names it."""
    arn: str
    call: tuple[str, str, dict[str, Any]] | None = field(default=None, compare=False)
    """Service, method and parameters for boto3; None if the call is only simulated."""


class Impostor:
    """AWS client that takes the role of a function."""

    def __init__(self, deployed: Deployed) -> None:
        """Start without a role. The clients share one set of credentials, as creating clients is slow."""
        self._deployed = deployed
        self._session = botocore.session.Session()
        self._session.set_credentials(_NOBODY, _NOBODY, _NOBODY)
        self._clients: dict[str, Any] = {}

    def become(self, function: str) -> None:
        """Assume a function's role. The local AWS allows its root user to do so in place of Lambda."""
        role = self._deployed.functions[function]["Role"]
        assumed = self._deployed.client("sts").assume_role(RoleArn=role, RoleSessionName=function)["Credentials"]
        credentials = self._session.get_credentials()
        credentials.access_key, credentials.secret_key = assumed["AccessKeyId"], assumed["SecretAccessKey"]
        credentials.token = assumed["SessionToken"]

    def is_refused(self, attempt: Attempt) -> bool:
        """Return True if AWS denies the call. Any other response, including other errors, means that it is allowed."""
        assert attempt.call is not None
        service, method, parameters = attempt.call
        try:
            getattr(self.client(service), method)(**parameters)
        except ClientError as error:
            return error.response["Error"]["Code"] in _REFUSALS
        return False

    def client(self, service: str) -> Any:
        """Return a client of the service."""
        if service not in self._clients:
            # Many calls are invalid on purpose: they must reach AWS without client-side validation, and only once.
            config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
            url = self._deployed.endpoint_url
            if service == "apigatewaymanagementapi":
                url = self._deployed.functions["notifier"]["Environment"]["Variables"]["WEBSOCKET_API_URL"]
            self._clients[service] = self._session.create_client(
                service, region_name=self._deployed.region, endpoint_url=url, config=config
            )
        return self._clients[service]


def attempts(deployed: Deployed, *, foreign_secret: str) -> list[Attempt]:
    """Return all attempts for the resources of the stack; `foreign_secret` is the ARN of a secret outside of it."""
    kinds = {
        "AWS::SQS::Queue": _on_queue,
        "AWS::S3::Bucket": _on_bucket,
        "AWS::Logs::LogGroup": _on_logs,
        "AWS::Lambda::Function": _on_function,
        "AWS::IAM::Role": _on_role,
        "AWS::Events::Rule": _on_rule,
        "AWS::SNS::Topic": _on_topic,
        "AWS::KMS::Key": _on_key,
        "AWS::CloudWatch::Alarm": _on_alarm,
    }
    attempts_ = [
        attempt
        for resource in deployed.resources.values()
        if resource.kind in kinds
        for attempt in kinds[resource.kind](deployed, resource)
    ]
    arns = {name: deployed.described.parameters.get(name, "") for name in SECRET_PARAMETERS}
    for label, arn in {**arns, FOREIGN: foreign_secret}.items():
        if arn:
            attempts_ += _on_secret(label, arn)
    if deployed.artifacts_bucket:
        attempts_ += _on_bucket(deployed, Resource("sam's bucket", "AWS::S3::Bucket", deployed.artifacts_bucket))
    return [*attempts_, *_on_connections(deployed), *_on_the_account(deployed)]


def _on_queue(deployed: Deployed, queue: Resource) -> Iterator[Attempt]:
    arn, url = deployed.arn("sqs", queue.id.rsplit("/", 1)[1]), {"QueueUrl": queue.id}
    calls = {
        "SendMessage": ("send_message", {"MessageBody": ""}),
        "ReceiveMessage": ("receive_message", {"VisibilityTimeout": 0, "MaxNumberOfMessages": 11}),
        "DeleteMessage": ("delete_message", {"ReceiptHandle": "of-nothing"}),
        "GetQueueAttributes": ("get_queue_attributes", {"AttributeNames": ["QueueArn"]}),
        "SetQueueAttributes": ("set_queue_attributes", {"Attributes": {"NoSuchAttribute": "1"}}),
        "ChangeMessageVisibility": (
            "change_message_visibility",
            {"ReceiptHandle": "of-nothing", "VisibilityTimeout": 0},
        ),
    }
    for action, (method, parameters) in calls.items():
        yield Attempt(f"sqs:{action}", queue.name, arn, ("sqs", method, url | parameters))
    for action in ("PurgeQueue", "DeleteQueue"):
        yield Attempt(f"sqs:{action}", queue.name, arn)


def _on_bucket(deployed: Deployed, bucket: Resource) -> Iterator[Attempt]:
    arn = f"arn:{deployed.partition}:s3:::{bucket.id}"
    of_bucket = {"Bucket": bucket.id}
    for folder in ("videos", "bedrock", "elsewhere"):
        key, label = f"{folder}/{_NOBODY}/1.mp4", f"{bucket.name}/{folder}/*"
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "GetObject": ("get_object", {}),
            "PutObject": ("put_object", {"Body": b"x", "ContentMD5": "AAAAAAAAAAAAAAAAAAAAAA=="}),
            "DeleteObject": ("delete_object", {}),
            "AbortMultipartUpload": ("abort_multipart_upload", {"UploadId": "none"}),
            "PutObjectAcl": ("put_object_acl", {"ACL": "no-such-acl"}),
        }
        for action, (method, parameters) in calls.items():
            call = ("s3", method, {**of_bucket, "Key": key, **parameters})
            yield Attempt(f"s3:{action}", label, f"{arn}/{key}", call)
    calls = {
        "ListBucket": ("list_objects_v2", {"MaxKeys": 1}),
        "GetBucketPolicy": ("get_bucket_policy", {}),
        "PutBucketPolicy": ("put_bucket_policy", {"Policy": "no policy"}),
        "PutLifecycleConfiguration": ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": []}}),
    }
    for action, (method, parameters) in calls.items():
        yield Attempt(f"s3:{action}", bucket.name, arn, ("s3", method, of_bucket | parameters))
    yield Attempt("s3:DeleteBucket", bucket.name, arn)


def _on_logs(deployed: Deployed, logs: Resource) -> Iterator[Attempt]:
    group = {"logGroupName": logs.id}
    line = {"timestamp": 0, "message": "x"}
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "CreateLogStream": ("create_log_stream", {"logStreamName": "no:such*name"}),
        "PutLogEvents": ("put_log_events", {"logStreamName": _NOBODY, "logEvents": [line]}),
        "GetLogEvents": ("get_log_events", {"logStreamName": _NOBODY}),
    }
    arn = deployed.arn("logs", f"log-group:{logs.id}:log-stream:{_NOBODY}")
    for action, (method, parameters) in calls.items():
        yield Attempt(f"logs:{action}", logs.name, arn, ("logs", method, group | parameters))
    arn = deployed.arn("logs", f"log-group:{logs.id}:*")
    for action in ("DeleteLogGroup", "FilterLogEvents", "PutRetentionPolicy"):
        yield Attempt(f"logs:{action}", logs.name, arn)


def _on_function(deployed: Deployed, function: Resource) -> Iterator[Attempt]:
    arn, name = deployed.arn("lambda", f"function:{function.id}"), {"FunctionName": function.id}
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "InvokeFunction": ("invoke", {"InvocationType": "DryRun"}),
        "GetFunction": ("get_function", {}),
    }
    for action, (method, parameters) in calls.items():
        yield Attempt(f"lambda:{action}", function.name, arn, ("lambda", method, name | parameters))
    for action in ("UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "DeleteFunction"):
        yield Attempt(f"lambda:{action}", function.name, arn)


def _on_role(deployed: Deployed, role: Resource) -> Iterator[Attempt]:
    arn = f"arn:{deployed.partition}:iam::{deployed.account}:role/{role.id}"
    assume = ("sts", "assume_role", {"RoleArn": arn, "RoleSessionName": "x"})
    yield Attempt("sts:AssumeRole", role.name, arn, assume)
    policy = {"RoleName": role.id, "PolicyName": "x", "PolicyDocument": "no policy"}
    yield Attempt("iam:PutRolePolicy", role.name, arn, ("iam", "put_role_policy", policy))
    for action in ("AttachRolePolicy", "UpdateAssumeRolePolicy", "PassRole", "DeleteRole"):
        yield Attempt(f"iam:{action}", role.name, arn)


def _on_rule(deployed: Deployed, rule: Resource) -> Iterator[Attempt]:
    for action in ("DisableRule", "PutTargets", "DeleteRule"):
        yield Attempt(f"events:{action}", rule.name, deployed.arn("events", f"rule/{rule.id}"))


def _on_topic(_: Deployed, topic: Resource) -> Iterator[Attempt]:
    for action in ("Publish", "Subscribe", "SetTopicAttributes", "DeleteTopic"):
        yield Attempt(f"sns:{action}", topic.name, topic.id)


def _on_key(deployed: Deployed, key: Resource) -> Iterator[Attempt]:
    arn = deployed.arn("kms", f"key/{key.id}")
    data_key = ("kms", "generate_data_key", {"KeyId": arn, "KeySpec": "no-such-kind"})
    yield Attempt("kms:GenerateDataKey", key.name, arn, data_key)
    for action in ("Decrypt", "PutKeyPolicy", "ScheduleKeyDeletion"):
        yield Attempt(f"kms:{action}", key.name, arn)


def _on_alarm(deployed: Deployed, alarm: Resource) -> Iterator[Attempt]:
    for action in ("SetAlarmState", "DisableAlarmActions", "DeleteAlarms"):
        yield Attempt(f"cloudwatch:{action}", alarm.name, deployed.arn("cloudwatch", f"alarm:{alarm.id}"))


def _on_secret(label: str, arn: str) -> Iterator[Attempt]:
    secret = {"SecretId": arn}
    pending = {"SecretString": _NOBODY, "VersionStages": ["NO-STAGE-OF-ANYBODYS"]}
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "GetSecretValue": ("get_secret_value", {}),
        "DescribeSecret": ("describe_secret", {}),
        "PutSecretValue": ("put_secret_value", pending),
    }
    for action, (method, parameters) in calls.items():
        call = ("secretsmanager", method, secret | parameters)
        yield Attempt(f"secretsmanager:{action}", label, arn, call)
    yield Attempt("secretsmanager:DeleteSecret", label, arn)


def _on_connections(deployed: Deployed) -> Iterator[Attempt]:
    [own] = deployed.of_kind("AWS::ApiGatewayV2::Api")
    stage = deployed.described.parameters["Environment"]
    methods = {"POST": ("post_to_connection", {"Data": b"x"}), "GET": ("get_connection", {})}
    methods |= {"DELETE": ("delete_connection", {})}
    for method, (call, parameters) in methods.items():
        arn = deployed.arn("execute-api", f"{own.id}/{stage}/{method}/@connections/{_NOBODY}")
        real = ("apigatewaymanagementapi", call, {"ConnectionId": _NOBODY, **parameters})
        yield Attempt("execute-api:ManageConnections", CONNECTIONS.format(method), arn, real)
        arn = deployed.arn("execute-api", f"{_NOBODY[:10]}/{stage}/{method}/@connections/{_NOBODY}")
        yield Attempt("execute-api:ManageConnections", FOREIGN, arn)


def _on_the_account(deployed: Deployed) -> Iterator[Attempt]:
    stack = deployed.arn("cloudformation", f"stack/{deployed.stack_name}/{_NOBODY}")
    name = {"StackName": deployed.stack_name}
    yield Attempt("cloudformation:GetTemplate", "the stack", stack, ("cloudformation", "get_template", name))
    for action in ("UpdateStack", "DeleteStack", "CreateChangeSet"):
        yield Attempt(f"cloudformation:{action}", "the stack", stack)
    calls: dict[str, tuple[str, str, dict[str, Any]]] = {
        "iam:ListRoles": ("iam", "list_roles", {}),
        "kms:ListKeys": ("kms", "list_keys", {}),
        "lambda:ListFunctions": ("lambda", "list_functions", {}),
        "s3:ListAllMyBuckets": ("s3", "list_buckets", {}),
        "secretsmanager:ListSecrets": ("secretsmanager", "list_secrets", {}),
        "sqs:ListQueues": ("sqs", "list_queues", {}),
        "dynamodb:ListTables": ("dynamodb", "list_tables", {}),
        "ec2:DescribeInstances": ("ec2", "describe_instances", {}),
        "logs:DescribeLogGroups": ("logs", "describe_log_groups", {}),
    }
    for action, call in calls.items():
        yield Attempt(action, "the account", "*", call)
    parameter = deployed.arn("ssm", f"parameter/{_NOBODY}")
    yield Attempt("ssm:GetParameter", FOREIGN, parameter, ("ssm", "get_parameter", {"Name": f"/{_NOBODY}"}))
    key = deployed.arn("kms", f"key/{_NOBODY}")
    yield Attempt("kms:Decrypt", FOREIGN, key, ("kms", "decrypt", {"KeyId": key, "CiphertextBlob": b"x"}))
    for action in ("iam:CreateUser", "iam:CreateAccessKey", "sqs:CreateQueue", "ec2:RunInstances", "s3:CreateBucket"):
        yield Attempt(action, "the account", "*")
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
        yield Attempt(action, "*", "*")


def simulate(deployed: Deployed, function: str, tried: Sequence[Attempt]) -> dict[Attempt, bool]:
    """Return for each attempt whether a function's role allows it, by IAM's policy simulator. Nothing is changed.

    The local AWS evaluates only the first resource of a request, so the remaining ones are requested again.
    """
    role, iam = deployed.functions[function]["Role"], deployed.client("iam")
    by_arn: dict[str, list[Attempt]] = {}
    for attempt in tried:
        by_arn.setdefault(attempt.arn, []).append(attempt)
    allowed: dict[Attempt, bool] = {}
    by_actions: dict[tuple[str, ...], list[str]] = {}
    for arn, on_it in by_arn.items():
        by_actions.setdefault(tuple(sorted(attempt.action for attempt in on_it)), []).append(arn)
    for actions, arns in by_actions.items():
        remaining = list(arns)
        while remaining:
            request = {"PolicySourceArn": role, "ActionNames": list(actions), "ResourceArns": remaining}
            pages = iam.get_paginator("simulate_principal_policy").paginate(**request)
            results = [it for page in pages for it in page["EvaluationResults"]]
            decisions = {(it["EvalActionName"], it["EvalResourceName"]): it["EvalDecision"] for it in results}
            decisions |= {
                (it["EvalActionName"], on["EvalResourceName"]): on["EvalResourceDecision"]
                for it in results
                for on in it.get("ResourceSpecificResults", ())
            }
            evaluated = {arn for _, arn in decisions}
            assert evaluated & set(remaining), f"IAM's simulator returned no result for {remaining}"
            for arn in evaluated & set(remaining):
                allowed |= {attempt: decisions[attempt.action, arn] == "allowed" for attempt in by_arn[arn]}
            remaining = [arn for arn in remaining if arn not in evaluated]
    return allowed


def name_foreign_secret() -> str:
    """Return a random name for a secret."""
    return f"videojobs-test/{secrets.token_hex(8)}"
