"""The deployed resources match template.yaml, as AWS describes them, and were not changed by hand.

All tests only read. Tests of settings that the local AWS does not store run on AWS only: docs/local-differences.md.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.stack import Stack
from tests.stack.deployed import Deployed
from tests.stack.drift import DRIFT, detect_drift
from tests.stack.environment import connecting
from tests.stack.expected import ANY, Expected
from tests.template.monitored import STACK, alarms
from tests.template.parsed import FUNCTIONS, resources
from videojobs.adapters.mongo.indexes import INDEXES

pytestmark = pytest.mark.reads

QUEUES = sorted(resources("AWS::SQS::Queue"))
BUCKETS = sorted(resources("AWS::S3::Bucket"))
SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}


@pytest.fixture(scope="module")
def expected(deployed: Deployed) -> Expected:
    """Return the template with the parameters and names of this deployment."""
    return Expected(deployed)


@pytest.fixture
def on_aws(deployed: Deployed) -> None:
    """Skip the test in the local system: the local AWS does not store the setting."""
    if deployed.is_local:
        pytest.skip("the local AWS does not store this setting")


def logical(name: str) -> str:
    """Return the logical ID of a function."""
    return f"{name.capitalize()}Function"


def test_stack_is_complete_and_has_every_resource_of_the_template(deployed: Deployed, expected: Expected) -> None:
    assert deployed.described.status in SETTLED
    plain = [name for kind in PLAIN_KINDS for name in expected.names(kind)]
    assert sorted(set(plain) - set(deployed.resources)) == []


PLAIN_KINDS = (
    "AWS::CloudFormation::Stack",
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::Serverless::Function",
)
"""Types whose logical IDs SAM and CloudFormation keep as in the template."""


def test_drift_is_reported(deployed: Deployed, record_property: Callable[[str, object], None]) -> None:
    # Drift detection also reports values that a service added, so a difference is no failure: docs/guides/verify.md.
    drift = detect_drift(deployed)
    for line in drift.lines():
        record_property(DRIFT, line)
    assert drift.differences.keys() <= deployed.resources.keys()
    assert drift.status in {"DETECTION_COMPLETE", "DETECTION_FAILED"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_settings_match_the_template(deployed: Deployed, expected: Expected, name: str) -> None:
    properties, function = expected.properties(logical(name)), deployed.functions[name]
    shown = {key: function[key] for key in ("Runtime", "Handler", "Architectures", "MemorySize", "Timeout", "Role")}
    assert shown == {key: properties[key] for key in shown}
    assert function["LoggingConfig"]["LogGroup"] == properties["LoggingConfig"]["LogGroup"]
    assert function["TracingConfig"]["Mode"] == properties["Tracing"]
    assert len(function["Layers"]) == len(properties["Layers"])
    assert function["EphemeralStorage"]["Size"] == properties.get("EphemeralStorage", {"Size": 512})["Size"]
    assert function["State"] in {"Active", "Inactive"}  # Lambda deactivates functions that are unused for weeks
    assert function["LastUpdateStatus"] == "Successful"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_variables_match_the_template(deployed: Deployed, expected: Expected, name: str) -> None:
    template_variables = expected.properties(logical(name))["Environment"]["Variables"]
    variables = deployed.functions[name]["Environment"]["Variables"]
    differing = {
        key
        for key in template_variables.keys() | variables.keys()
        if template_variables.get(key) != ANY and str(template_variables.get(key)) != variables.get(key)
    }
    assert differing == set(), f"variables of {name} differ"  # the report must not contain their values


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.usefixtures("on_aws")
def test_recursion_setting_of_a_function_matches_the_template(
    deployed: Deployed, expected: Expected, name: str
) -> None:
    config = deployed.client("lambda").get_function_recursion_config(FunctionName=deployed.resources[logical(name)].id)
    assert config["RecursiveLoop"] == expected.properties(logical(name)).get("RecursiveLoop", "Terminate")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_routes_and_rules_of_this_stack_may_invoke_a_function(deployed: Deployed, name: str) -> None:
    # Each permission names a route or a rule of the stack. Queues need none, as Lambda polls them.
    try:
        policy = json.loads(deployed.client("lambda").get_policy(**deployed.called(logical(name)))["Policy"])
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException"  # noqa: PT017 - no policy exists
        return
    own = {it.id for kind in SOURCES for it in deployed.of_kind(kind)}
    for statement in policy["Statement"]:
        assert statement["Principal"]["Service"] in {"apigateway.amazonaws.com", "events.amazonaws.com"}
        source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        assert any(resource_id in source for resource_id in own), f"{name} may be called by {source}"


SOURCES = ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api", "AWS::Events::Rule")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_event_sources_of_a_function_match_the_template(deployed: Deployed, expected: Expected, name: str) -> None:
    events = expected.properties(logical(name)).get("Events", {}).values()
    sources = {it["Properties"]["Queue"]: it["Properties"] for it in events if it["Type"] == "SQS"}
    get = deployed.client("lambda").get_event_source_mapping
    resources = [it for it in deployed.of_kind("AWS::Lambda::EventSourceMapping") if it.name.startswith(logical(name))]
    mappings = {mapping["EventSourceArn"]: mapping for mapping in (get(UUID=it.id) for it in resources)}
    assert set(mappings) == set(sources)
    for arn, mapping in mappings.items():
        assert mapping["FunctionArn"].endswith(":".join(deployed.called(logical(name)).values()))
        assert mapping["State"] == "Enabled", f"{arn} is {mapping['State']}"
        assert mapping["BatchSize"] == sources[arn]["BatchSize"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        bound = sources[arn].get("ScalingConfig", {}).get("MaximumConcurrency")
        assert str(mapping.get("ScalingConfig", {}).get("MaximumConcurrency")) == str(bound)


@pytest.mark.parametrize("name", QUEUES)
def test_queue_settings_match_the_template(deployed: Deployed, expected: Expected, name: str) -> None:
    request = {"QueueUrl": deployed.resources[name].id, "AttributeNames": ["All"]}
    properties = expected.properties(name)
    attributes = deployed.client("sqs").get_queue_attributes(**request)["Attributes"]
    assert attributes["VisibilityTimeout"] == str(properties.get("VisibilityTimeout", 30))
    assert attributes["MessageRetentionPeriod"] == str(properties.get("MessageRetentionPeriod", 345600))
    assert attributes["SqsManagedSseEnabled"] == "true"
    redrive = json.loads(attributes.get("RedrivePolicy", "null"))
    assert redrive == properties.get("RedrivePolicy"), f"{name} has a different dead-letter queue, or none"
    if not deployed.is_local:
        [statement] = json.loads(attributes["Policy"])["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_log_retention_matches_the_template(deployed: Deployed, expected: Expected, name: str) -> None:
    group = expected.properties(logical(name))["LoggingConfig"]["LogGroup"]
    [log_group] = [
        it
        for it in deployed.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        if it["logGroupName"] == group
    ]
    assert str(log_group["retentionInDays"]) == expected.mapped("Release", "Functions", "LogRetentionDays")


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_private_and_encrypted(deployed: Deployed, expected: Expected, name: str) -> None:
    if name not in expected.names("AWS::S3::Bucket"):
        pytest.skip(f"{name} is optional and not enabled")
    s3, bucket = deployed.client("s3"), {"Bucket": deployed.resources[name].id}
    assert set(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    [owner] = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"


@pytest.mark.usefixtures("on_aws")
def test_videos_expire_and_are_served_over_tls_only(deployed: Deployed, expected: Expected) -> None:
    s3, bucket = deployed.client("s3"), {"Bucket": deployed.resources["VideosBucket"].id}
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
    assert str(rules["expire"]["Expiration"]["Days"]) == expected.parameters["VideoRetentionDays"]
    assert rules["abort-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert rules["provider-results"]["Expiration"]["Days"] == 1
    statements = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert ("Deny", {"Bool": {"aws:SecureTransport": "false"}}) in [
        (statement["Effect"], statement.get("Condition")) for statement in statements
    ]


def test_api_is_throttled_and_traced(deployed: Deployed, expected: Expected) -> None:
    api, stage = deployed.resources["Api"].id, expected.parameters["Environment"]
    described = deployed.client("apigateway").get_stage(restApiId=api, stageName=stage)
    settings = described["methodSettings"]["*/*"]
    limit = float(expected.mapped("Release", "Limits", "RequestsPerSecond"))
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (limit, limit)
    assert settings["metricsEnabled"] is True
    assert described["tracingEnabled"] is True


def test_api_has_the_firewall_if_it_is_enabled(deployed: Deployed, expected: Expected) -> None:
    if "WebAcl" not in expected.names("AWS::WAFv2::WebACL"):
        pytest.skip("WebAcl is optional and not enabled")
    api, stage = deployed.resources["Api"].id, expected.parameters["Environment"]
    described = deployed.client("apigateway").get_stage(restApiId=api, stageName=stage)
    _name, acl, _scope = deployed.resources["WebAcl"].id.split("|")
    assert described.get("webAclArn", "").endswith(f"/{acl}"), "the API has no firewall or a different one"


def test_access_logs_are_written_if_they_are_enabled(deployed: Deployed, expected: Expected) -> None:
    if expected.parameters["AccessLogs"] != "true":
        pytest.skip("AccessLogs is optional and not enabled")
    api, stage = deployed.resources["Api"].id, expected.parameters["Environment"]
    described = deployed.client("apigateway").get_stage(restApiId=api, stageName=stage)
    destination = described.get("accessLogSettings", {}).get("destinationArn", "")
    assert destination.endswith(deployed.resources["AccessLogGroup"].id), (
        "API Gateway writes no access log, or writes it elsewhere"
    )


@pytest.mark.usefixtures("on_aws")
def test_websocket_api_is_throttled(deployed: Deployed, expected: Expected) -> None:
    api, stage = deployed.resources["WebSocketApi"].id, expected.parameters["Environment"]
    settings = deployed.client("apigatewayv2").get_stage(ApiId=api, StageName=stage)["DefaultRouteSettings"]
    limit = float(expected.mapped("Release", "Limits", "RequestsPerSecond"))
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (limit, limit)


def test_every_alarm_has_the_actions_of_the_template(deployed: Deployed, expected: Expected) -> None:
    topic = deployed.described.outputs["AlarmTopicArn"]
    actions = {
        alarm["AlarmName"].replace(STACK, deployed.stack_name): [topic] if "AlarmActions" in alarm else []
        for name, alarm in alarms().items()
        if not (deployed.is_local and {"Metrics", "AlarmRule"} & set(alarm))  # removed by localcloud/overlay.py
        and not (name == "ProviderCostAlarm" and float(expected.parameters["DailyBudget"]) == 0)
    }
    pages = deployed.client("cloudwatch").get_paginator("describe_alarms")
    names = list(actions)
    described = [
        it
        for start in range(0, len(names), 100)
        for page in pages.paginate(AlarmNames=names[start : start + 100], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        for key in ("MetricAlarms", "CompositeAlarms")
        for it in page.get(key, [])
    ]
    assert {it["AlarmName"]: it["AlarmActions"] for it in described} == actions
    disabled = {it["AlarmName"] for it in described if not it["ActionsEnabled"]}
    assert disabled == set(), "their actions are disabled"


@pytest.mark.usefixtures("on_aws")
def test_alarm_subscription_is_confirmed(deployed: Deployed, expected: Expected) -> None:
    if not expected.parameters["AlarmEmail"]:
        pytest.skip("AlarmEmail is empty: alarms notify no one")
    [topic] = deployed.monitoring.of_kind("AWS::SNS::Topic")
    attributes = deployed.client("sns").get_topic_attributes(TopicArn=topic.id)["Attributes"]
    assert int(attributes["SubscriptionsConfirmed"]) >= 1, "click the link in the mail from AWS Notifications"


def test_mongodb_has_every_index(stack: Stack) -> None:
    with connecting(stack) as client:
        database: Any = client.get_default_database()
        for collection, indexes in INDEXES.items():
            existing = database[collection].index_information()
            assert {index.document["name"] for index in indexes} <= set(existing), collection
