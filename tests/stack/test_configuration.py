"""What is deployed is what template.yaml says, resource by resource, as AWS describes it: nothing was changed by hand.

All of it reads. What the local AWS keeps nothing of is skipped there, and looked at on AWS: docs/local-differences.md.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.stack import Stack
from tests.stack.client import eventually
from tests.stack.deployed import Deployed
from tests.stack.environment import connecting
from tests.stack.expected import ANY, Expected
from tests.template.parsed import FUNCTIONS, resources
from videojobs.adapters.mongo.indexes import INDEXES

pytestmark = pytest.mark.reads

QUEUES = sorted(resources("AWS::SQS::Queue"))
BUCKETS = sorted(resources("AWS::S3::Bucket"))
SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
DRIFT_SECONDS = 600


@pytest.fixture(scope="module")
def expected(deployed: Deployed) -> Expected:
    """The template, with what this deployment has decided."""
    return Expected(deployed)


@pytest.fixture
def on_aws(deployed: Deployed) -> None:
    """The test looks at something that the local AWS takes and forgets."""
    if deployed.is_local:
        pytest.skip("the local AWS keeps nothing of it")


def logical(name: str) -> str:
    """The logical id of a function."""
    return f"{name.capitalize()}Function"


def test_the_stack_is_settled_and_has_all_that_the_template_makes(deployed: Deployed, expected: Expected) -> None:
    assert deployed.described.status in SETTLED
    plain = [name for kind in PLAIN_KINDS for name in expected.names(kind)]
    assert sorted(set(plain) - set(deployed.resources)) == []


PLAIN_KINDS = (
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
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
"""Kinds that SAM and CloudFormation leave under the name that the template gives them."""


def test_nothing_was_changed_by_hand(deployed: Deployed) -> None:
    """CloudFormation compares each resource with what it made of it; looking changes nothing of the resources."""
    cloudformation = deployed.client("cloudformation")
    asked = cloudformation.detect_stack_drift(StackName=deployed.stack_name)["StackDriftDetectionId"]

    def has_looked() -> bool:
        told = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=asked)
        return str(told["DetectionStatus"]) != "DETECTION_IN_PROGRESS"

    eventually(has_looked, "CloudFormation still looks for what has drifted", seconds=DRIFT_SECONDS)
    changed = cloudformation.describe_stack_resource_drifts(
        StackName=deployed.stack_name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )["StackResourceDrifts"]
    found = {
        it["LogicalResourceId"]: [difference["PropertyPath"] for difference in it.get("PropertyDifferences", [])]
        for it in changed
    }
    assert found == {}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_as_the_template_says(deployed: Deployed, expected: Expected, name: str) -> None:
    wanted, found = expected.properties(logical(name)), deployed.functions[name]
    shown = {key: found[key] for key in ("Runtime", "Handler", "Architectures", "MemorySize", "Timeout", "Role")}
    assert shown == {key: wanted[key] for key in shown}
    assert found["LoggingConfig"]["LogGroup"] == wanted["LoggingConfig"]["LogGroup"]
    assert found["TracingConfig"]["Mode"] == wanted["Tracing"]
    assert len(found["Layers"]) == len(wanted["Layers"])
    assert found["EphemeralStorage"]["Size"] == wanted.get("EphemeralStorage", {"Size": 512})["Size"]
    assert found["State"] in {"Active", "Inactive"}  # Lambda puts aside what nobody calls for weeks
    assert found["LastUpdateStatus"] == "Successful"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_told_what_the_template_says(deployed: Deployed, expected: Expected, name: str) -> None:
    wanted = expected.properties(logical(name))["Environment"]["Variables"]
    found = deployed.functions[name]["Environment"]["Variables"]
    differing = {
        key for key in wanted.keys() | found.keys() if wanted.get(key) != ANY and str(wanted.get(key)) != found.get(key)
    }
    assert differing == set(), f"variables of {name} differ"  # their values stay out of the report


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.usefixtures("on_aws")
def test_a_function_may_send_to_itself_where_the_template_says(
    deployed: Deployed, expected: Expected, name: str
) -> None:
    found = deployed.client("lambda").get_function_recursion_config(FunctionName=deployed.resources[logical(name)].id)
    assert found["RecursiveLoop"] == expected.properties(logical(name)).get("RecursiveLoop", "Terminate")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_this_stacks_own_sources_may_call_a_function(deployed: Deployed, name: str) -> None:
    """Each permission names a route or a rule of the stack; a queue needs none, as Lambda itself looks into it."""
    try:
        policy = json.loads(deployed.client("lambda").get_policy(**deployed.called(logical(name)))["Policy"])
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException"  # noqa: PT017 - it has none
        return
    own = {it.id for kind in SOURCES for it in deployed.of_kind(kind)}
    for statement in policy["Statement"]:
        assert statement["Principal"]["Service"] in {"apigateway.amazonaws.com", "events.amazonaws.com"}
        source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        assert any(each in source for each in own), f"{name} may be called by {source}"


SOURCES = ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api", "AWS::Events::Rule")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_fed_by_the_queues_of_the_template(deployed: Deployed, expected: Expected, name: str) -> None:
    events = expected.properties(logical(name)).get("Events", {}).values()
    wanted = {it["Properties"]["Queue"]: it["Properties"] for it in events if it["Type"] == "SQS"}
    get = deployed.client("lambda").get_event_source_mapping
    made = [it for it in deployed.of_kind("AWS::Lambda::EventSourceMapping") if it.name.startswith(logical(name))]
    found = {mapping["EventSourceArn"]: mapping for mapping in (get(UUID=it.id) for it in made)}
    assert set(found) == set(wanted)
    for arn, mapping in found.items():
        assert mapping["FunctionArn"].endswith(":".join(deployed.called(logical(name)).values()))
        assert mapping["State"] == "Enabled", f"{arn} is {mapping['State']}"
        assert mapping["BatchSize"] == wanted[arn]["BatchSize"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        bound = wanted[arn].get("ScalingConfig", {}).get("MaximumConcurrency")
        assert str(mapping.get("ScalingConfig", {}).get("MaximumConcurrency")) == str(bound)


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_as_the_template_says(deployed: Deployed, expected: Expected, name: str) -> None:
    asked = {"QueueUrl": deployed.resources[name].id, "AttributeNames": ["All"]}
    wanted, found = expected.properties(name), deployed.client("sqs").get_queue_attributes(**asked)["Attributes"]
    assert found["VisibilityTimeout"] == str(wanted.get("VisibilityTimeout", 30))
    assert found["MessageRetentionPeriod"] == str(wanted.get("MessageRetentionPeriod", 345600))
    assert found["SqsManagedSseEnabled"] == "true"
    redrive = json.loads(found.get("RedrivePolicy", "null"))
    assert redrive == wanted.get("RedrivePolicy"), f"{name} has another dead-letter queue, or none"
    if not deployed.is_local:
        [statement] = json.loads(found["Policy"])["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_logs_are_forgotten_in_time(deployed: Deployed, expected: Expected, name: str) -> None:
    group = expected.properties(logical(name))["LoggingConfig"]["LogGroup"]
    [found] = [
        it
        for it in deployed.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        if it["logGroupName"] == group
    ]
    assert str(found["retentionInDays"]) == expected.parameters["LogRetentionDays"]


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_and_encrypted(deployed: Deployed, expected: Expected, name: str) -> None:
    if name not in expected.names("AWS::S3::Bucket"):
        pytest.skip(f"{name} is an option that is not taken")
    s3, bucket = deployed.client("s3"), {"Bucket": deployed.resources[name].id}
    assert set(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    [owner] = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"


@pytest.mark.usefixtures("on_aws")
def test_videos_expire_and_are_given_over_tls_alone(deployed: Deployed, expected: Expected) -> None:
    s3, bucket = deployed.client("s3"), {"Bucket": deployed.resources["VideosBucket"].id}
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
    assert str(rules["expire"]["Expiration"]["Days"]) == expected.parameters["VideoRetentionDays"]
    assert rules["abort-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    statements = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert ("Deny", {"Bool": {"aws:SecureTransport": "false"}}) in [
        (each["Effect"], each.get("Condition")) for each in statements
    ]


def test_the_api_is_throttled_and_traced(deployed: Deployed, expected: Expected) -> None:
    api, stage = deployed.resources["Api"].id, expected.parameters["Environment"]
    found = deployed.client("apigateway").get_stage(restApiId=api, stageName=stage)
    settings, limit = found["methodSettings"]["*/*"], float(expected.parameters["RequestsPerSecond"])
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (limit, limit)
    assert settings["metricsEnabled"] is True
    assert found["tracingEnabled"] is True


def test_the_firewall_stands_before_the_api_where_one_is_asked_for(deployed: Deployed, expected: Expected) -> None:
    if "WebAcl" not in expected.names("AWS::WAFv2::WebACL"):
        pytest.skip("WebAcl is an option that is not taken")
    api, stage = deployed.resources["Api"].id, expected.parameters["Environment"]
    found = deployed.client("apigateway").get_stage(restApiId=api, stageName=stage)
    _name, acl, _scope = deployed.resources["WebAcl"].id.split("|")
    assert found.get("webAclArn", "").endswith(f"/{acl}"), "no firewall, or another one, stands before the API"


def test_calls_are_logged_where_that_is_asked_for(deployed: Deployed, expected: Expected) -> None:
    if expected.parameters["AccessLogs"] != "true":
        pytest.skip("AccessLogs is an option that is not taken")
    api, stage = deployed.resources["Api"].id, expected.parameters["Environment"]
    found = deployed.client("apigateway").get_stage(restApiId=api, stageName=stage)
    written_to = found.get("accessLogSettings", {}).get("destinationArn", "")
    assert written_to.endswith(deployed.resources["AccessLogGroup"].id), (
        "API Gateway writes no access log, or elsewhere"
    )


@pytest.mark.usefixtures("on_aws")
def test_live_connections_are_throttled(deployed: Deployed, expected: Expected) -> None:
    api, stage = deployed.resources["WebSocketApi"].id, expected.parameters["Environment"]
    settings = deployed.client("apigatewayv2").get_stage(ApiId=api, StageName=stage)["DefaultRouteSettings"]
    limit = float(expected.parameters["RequestsPerSecond"])
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (limit, limit)


def test_every_alarm_tells_somebody(deployed: Deployed, expected: Expected) -> None:
    kinds = {"AWS::CloudWatch::Alarm": "MetricAlarms", "AWS::CloudWatch::CompositeAlarm": "CompositeAlarms"}
    names = {deployed.resources[name].id: name for kind in kinds for name in expected.names(kind)}
    ids = [each.rsplit(":", 1)[-1] for each in names]  # an alarm's id is its name, a composite one's its ARN
    pages = deployed.client("cloudwatch").get_paginator("describe_alarms")
    told = [
        it
        for start in range(0, len(ids), 100)
        for page in pages.paginate(AlarmNames=ids[start : start + 100], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        for key in kinds.values()
        for it in page.get(key, [])
    ]
    assert {it["AlarmName"] for it in told} == set(ids)
    silent = {it["AlarmName"] for it in told if not it["ActionsEnabled"]}
    assert silent == set(), "their actions are switched off"
    wanted = {expected.properties(names[it])["AlarmName"]: expected.properties(names[it]) for it in names}
    for alarm in told:
        assert alarm["AlarmActions"] == wanted[alarm["AlarmName"]].get("AlarmActions", []), alarm["AlarmName"]


@pytest.mark.usefixtures("on_aws")
def test_whoever_is_told_has_agreed_to_be(deployed: Deployed, expected: Expected) -> None:
    if not expected.parameters["AlarmEmail"]:
        pytest.skip("AlarmEmail is empty: nobody is told")
    [topic] = deployed.of_kind("AWS::SNS::Topic")
    found = deployed.client("sns").get_topic_attributes(TopicArn=topic.id)["Attributes"]
    assert int(found["SubscriptionsConfirmed"]) >= 1, "click the link in the mail from AWS Notifications"


def test_mongodb_has_the_indexes(stack: Stack) -> None:
    with connecting(stack) as client:
        database: Any = client.get_default_database()
        for collection, wanted in INDEXES.items():
            found = database[collection].index_information()
            assert {index.document["name"] for index in wanted} <= set(found), collection
