"""Read-only requests to AWS, each with the IAM action that it needs."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from ops.preflight.findings import NotEstablishedError

RIGHTS: Mapping[str, str] = {
    "cloudformation:DescribeStacks": "state and parameters of the stacks",
    "lambda:GetAccountSettings": "concurrency quota",
    "secretsmanager:GetSecretValue": "secrets, and the MongoDB URI",
    "logs:DescribeLogGroups": "log groups of a deleted stack",
    "s3:ListAllMyBuckets": "buckets of a deleted stack",
    "acm:DescribeCertificate": "certificates, with `CertificateArn` or a studio",
    "route53:GetHostedZone": "hosted zone, with `HostedZoneId`",
    "apigateway:GET": "logging role, with `AccessLogs`; on `/account`",
    "iam:GetRole": "logging role, with `AccessLogs`",
    "wafv2:ListWebACLs": "quota of web ACLs, with `WafRequestsPerFiveMinutes` or a studio",
    "cloudfront:ListDistributions": "domains of other distributions, with a studio",
}
"""IAM actions of the checks, and the purpose of each. `sts:GetCallerIdentity` needs no permission."""

_OPERATIONS = {"s3:ListAllMyBuckets": "s3:ListBuckets", "apigateway:GET": "apigateway:GetAccount"}
"""The operations whose names differ from their actions."""
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})


class Aws:
    """AWS account of a boto3 session. `region` is the default region of requests, or None if none is configured."""

    def __init__(self, session: boto3.Session, region: str | None) -> None:
        """Create the object without sending a request."""
        self._session, self._region = session, region
        self._client = cache(self._create_client)

    def identify_caller(self) -> tuple[str, str]:
        """Return the account ID and the ARN of the credentials.

        Raises:
            NotEstablishedError: If STS does not respond.
            NoCredentialsError, ClientError: If there are no credentials, or AWS rejects them.
        """
        try:
            identity = self._client("sts", self._region or "us-east-1").get_caller_identity()
        except NoCredentialsError:
            raise
        except BotoCoreError as error:
            raise NotEstablishedError(f"STS does not respond ({type(error).__name__})") from error
        return identity["Account"], identity["Arn"]

    def call(self, action: str, *, region: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send the request of an action in `RIGHTS`, and return the response with all pages.

        Raises:
            NotEstablishedError: If the credentials are missing or do not allow the action, or AWS does not respond.
            ClientError: If AWS rejects the request for another reason.
        """
        if action not in RIGHTS:
            raise KeyError(action)
        service, operation = _OPERATIONS.get(action, action).split(":")
        try:
            client = self._client(service, region or self._region)
            method = xform_name(operation)
            if client.can_paginate(method):
                pages: dict[str, Any] = client.get_paginator(method).paginate(**parameters).build_full_result()
                return pages
            response: dict[str, Any] = getattr(client, method)(**parameters)
        except ClientError as error:
            if reason := _explain_refusal(error, action):
                raise NotEstablishedError(reason) from error
            raise
        except BotoCoreError as error:
            raise NotEstablishedError(f"{action} failed ({type(error).__name__})") from error
        return response

    def _create_client(self, service: Any, region: str | None) -> Any:
        return self._session.client(service, region_name=region, config=_CONFIG)


def error_code(error: ClientError) -> str:
    """Return the code of an error of AWS, such as `ResourceNotFoundException`."""
    return error.response["Error"]["Code"]


def _explain_refusal(error: ClientError, action: str) -> str:
    """Return the missing right or the state of the credentials; empty if AWS had another reason."""
    code, message = error_code(error), error.response["Error"].get("Message", "")
    if "AccessDenied" in code or "Unauthorized" in code:
        named = re.search(r"perform: ([a-z0-9-]+:\w+)", message)
        missing = "kms:Decrypt" if "KMS" in message else named[1] if named else action
        return f"the right {missing} is missing"
    if "Token" in code or code in {"SignatureDoesNotMatch", "AuthFailure"}:
        return f"AWS rejects the credentials ({code})"
    return ""
