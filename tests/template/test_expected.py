"""What `make test-real` compares an environment with can be made of the template, also for one that nobody has yet."""

from functools import cache

import boto3

from localcloud.deployment import DeployedStack
from tests.stack.deployed import Deployed, Resource
from tests.stack.expected import Expected
from tests.template.parsed import template

COMPARED = (
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Serverless::Function",
)
OPTIONS = {
    "Environment": "dev",
    "DomainName": "api.example.com",
    "WebSocketDomainName": "live.example.com",
    "WebDomainName": "studio.example.com",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "BedrockModelArn": "arn:aws:bedrock:eu-central-1::foundation-model/any",
    "WorkerConcurrency": "7",
}


@cache
def on_aws() -> Expected:
    """An environment on AWS with every option taken."""
    deployed = Deployed(boto3.Session("any", "any", region_name="eu-central-1"), "videojobs-dev")
    parameters = {name: str(it.get("Default", "any")) for name, it in template()["Parameters"].items()}
    made = {name: Resource(name, it["Type"], f"https://any/{name}") for name, it in template()["Resources"].items()}
    known = {"described": DeployedStack("CREATE_COMPLETE", "", {}, parameters | OPTIONS), "resources": made}
    vars(deployed).update(known, account="123456789012", region="eu-central-1", partition="aws")
    return Expected(deployed)


def test_nothing_that_is_compared_stays_unresolved() -> None:
    for kind in COMPARED:
        assert on_aws().names(kind)
        for name in on_aws().names(kind):
            resolved = str({**on_aws().properties(name), "Layers": ()})
            assert "${" not in resolved, name
            assert "'Ref'" not in resolved, name
            assert "'Fn::" not in resolved, name


def test_options_and_parameters_are_put_in() -> None:
    worker = on_aws().properties("WorkerFunction")
    assert worker["VpcConfig"] == {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    assert worker["Events"]["Steps"]["Properties"]["ScalingConfig"] == {"MaximumConcurrency": "7"}
    assert worker["Environment"]["Variables"]["CALLBACKS_URL"] == "https://api.example.com"
    queue = on_aws().properties("JobsQueue")["RedrivePolicy"]["deadLetterTargetArn"]
    assert queue == "arn:aws:sqs:eu-central-1:123456789012:DeadLetterQueue"


def test_conditions_hold_as_on_aws() -> None:
    assert on_aws().holds("OnAws")
    assert not on_aws().holds("IsLocal")
    assert not on_aws().holds("HasDailyBudget")
    assert on_aws().names("AWS::SQS::QueuePolicy") == ["QueuesPolicy"]
