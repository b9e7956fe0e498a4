"""Policies of infrastructure/github.yaml for one environment, with parameters and names filled in."""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from samcli.lib.intrinsic_resolver.intrinsic_property_resolver import IntrinsicResolver
from samcli.lib.intrinsic_resolver.intrinsics_symbol_table import IntrinsicsSymbolTable

from tests.stack.expected import with_resolvable_functions, without_nothing
from tests.template.parsed import template

ACCOUNT, REGION = "123456789012", "eu-central-1"
IAM = f"arn:aws:iam::{ACCOUNT}"


@cache
def policies(environment: str = "dev", **parameters: str) -> Mapping[str, Any]:
    """Return the policy documents of a deployment of infrastructure/github.yaml, by logical ID.

    A trust policy has the ID of its role with the ending `Trust`.
    """
    source = with_resolvable_functions(copy.deepcopy(dict(template("github"))))
    values: dict[str, Any] = {name: it.get("Default", "") for name, it in source["Parameters"].items()}
    values |= {"Environment": environment, "Repository": "owner/videos", **parameters}
    values["SecretArns"] = values["SecretArns"].split(",")
    artifacts = f"videojobs-artifacts-{environment}-{ACCOUNT}-{REGION}"
    symbols: dict[str, Any] = values | {
        "AWS::AccountId": ACCOUNT,
        "AWS::NoValue": "AWS::NoValue",
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "ArtifactsBucket": {"Ref": artifacts, "Arn": f"arn:aws:s3:::{artifacts}"},
        "Boundary": {"Ref": f"{IAM}:policy/videojobs-{environment}-boundary"},
        "ExecutionRole": {"Arn": f"{IAM}:role/videojobs-{environment}-execution"},
        "GithubProvider": {"Ref": f"{IAM}:oidc-provider/token.actions.githubusercontent.com"},
    }
    resolver = IntrinsicResolver(source, IntrinsicsSymbolTable(source, symbols))
    documents: dict[str, Any] = {}
    for name, resource in source["Resources"].items():
        properties = without_nothing(resolver.intrinsic_property_resolver(resource["Properties"], False))
        if resource["Type"] == "AWS::IAM::Role":
            [policy] = properties["Policies"]
            documents[name] = policy["PolicyDocument"]
            documents[f"{name}Trust"] = properties["AssumeRolePolicyDocument"]
        elif "PolicyDocument" in properties:
            documents[name] = properties["PolicyDocument"]
    return documents


def resolved_roles(environment: str, *, boundary: bool) -> dict[str, Any]:
    """Return the properties of the roles of template.yaml with every option on, by logical ID.

    `Statements` has the statements of all policies of a role. `boundary` is the value of `Boundary` in `Mappings`.
    """
    source = with_resolvable_functions(copy.deepcopy(dict(template())))
    source["Mappings"]["Environments"][environment]["Boundary"] = "true" if boundary else "false"
    has_boundary = source["Conditions"]["HasBoundary"]
    source["Conditions"] = {name: {"Fn::Equals": ["", ""]} for name in source["Conditions"]}
    source["Conditions"]["HasBoundary"] = has_boundary
    stack = f"videojobs-{environment}"
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:videojobs/{environment}/any-AbCdEf"
    symbols: dict[str, Any] = {
        name: secret if name.endswith("SecretArn") else str(it.get("Default", ""))
        for name, it in source["Parameters"].items()
    }
    symbols |= {
        "Environment": environment,
        "BedrockModelArn": "arn:aws:bedrock:us-west-2::foundation-model/any",
        "AWS::AccountId": ACCOUNT,
        "AWS::NoValue": "AWS::NoValue",
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackName": stack,
        "RuntimePolicy": {"Ref": f"{IAM}:policy/{stack}-RuntimePolicy-x"},
        "WebSocketApi": {"Ref": "x"},
    }
    for name, it in source["Resources"].items():
        if it["Type"] == "AWS::SQS::Queue":
            symbols[name] = {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{stack}-{name}-x"}
        if it["Type"] == "AWS::S3::Bucket":
            symbols[name] = {"Arn": f"arn:aws:s3:::{stack}-{name.lower()}-x"}
        if it["Type"] == "AWS::Logs::LogGroup":
            symbols[name] = {"Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/videojobs/{stack}/{name.lower()}:*"}
    resolver = IntrinsicResolver(source, IntrinsicsSymbolTable(source, symbols))

    def resolve(name: str) -> Any:
        return without_nothing(resolver.intrinsic_property_resolver(source["Resources"][name]["Properties"], False))

    shared = resolve("RuntimePolicy")["PolicyDocument"]["Statement"]
    roles = {name: resolve(name) for name, it in source["Resources"].items() if it["Type"] == "AWS::IAM::Role"}
    for role in roles.values():
        own = [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
        role["Statements"] = own + (shared if "ManagedPolicyArns" in role else [])
    return roles
