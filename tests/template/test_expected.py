"""Expected resources of `make test-real`: the template can be resolved for an environment with every option."""

from functools import cache

import boto3

from localcloud.deployment import DeployedStack
from tests.stack.deployed import Deployed, Resource
from tests.stack.expected import Expected, gateway_headers
from tests.template.parsed import template

COMPARED = (
    "AWS::CloudWatch::Alarm",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Serverless::Function",
)
OPTIONS = {
    "Environment": "dev",
    "AllowedOrigins": "https://app.example.com,https://studio.example.com",
    "DomainName": "api.example.com",
    "WebSocketDomainName": "live.example.com",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "BedrockModelArn": "arn:aws:bedrock:eu-central-1::foundation-model/any",
    "WorkerConcurrency": "7",
}


@cache
def on_aws() -> Expected:
    """Return the expected resources of an environment on AWS with every option enabled."""
    deployed = Deployed(boto3.Session("any", "any", region_name="eu-central-1"), "videojobs-dev")
    parameters = {name: str(parameter.get("Default", "any")) for name, parameter in template()["Parameters"].items()}
    resources = {
        name: Resource(name, resource["Type"], f"https://any/{name}")
        for name, resource in template()["Resources"].items()
    }
    known = {"described": DeployedStack("CREATE_COMPLETE", "", {}, parameters | OPTIONS), "resources": resources}
    vars(deployed).update(known, account="123456789012", region="eu-central-1", partition="aws")
    return Expected(deployed)


def test_compared_properties_are_resolved() -> None:
    for kind in COMPARED:
        assert on_aws().names(kind)
        for name in on_aws().names(kind):
            resolved = str({**on_aws().properties(name), "Layers": ()})
            assert "${" not in resolved, name
            assert "'Ref'" not in resolved, name
            assert "'Fn::" not in resolved, name


def test_properties_contain_options_and_parameters() -> None:
    worker = on_aws().properties("WorkerFunction")
    assert worker["VpcConfig"] == {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    assert worker["Events"]["Steps"]["Properties"]["ScalingConfig"] == {"MaximumConcurrency": "7"}
    assert worker["Environment"]["Variables"]["CALLBACKS_URL"] == "https://api.example.com"
    assert worker["Environment"]["Variables"]["UNKNOWN_SUBMIT"] == "fail"
    queue = on_aws().properties("JobsQueue")["RedrivePolicy"]["deadLetterTargetArn"]
    assert queue == "arn:aws:sqs:eu-central-1:123456789012:DeadLetterQueue"


def test_conditions_are_those_of_an_environment_on_aws() -> None:
    assert on_aws().holds("HasDomain")
    assert not on_aws().holds("ShiftsTraffic")
    assert not on_aws().holds("HasWaf")
    assert on_aws().names("AWS::SQS::QueuePolicy") == ["QueuesPolicy"]


def test_headers_of_gateway_responses_are_those_that_the_template_sends() -> None:
    for kind in template()["Resources"]["Api"]["Properties"]["GatewayResponses"]:
        headers = gateway_headers(on_aws(), kind)
        assert headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert headers["Content-Security-Policy"] == "sandbox"
        assert ("Retry-After" in headers) == (kind in {"THROTTLED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"})
