"""Webhooks: allowed URLs, the required secret, and the function's timeout."""

import inspect
import re

import pytest

from tests.template.parsed import functions, resources, template
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.webhook import ANSWER_SECONDS, CONNECT_SECONDS, MAXIMUM_ADDRESSES
from videojobs.services import deliver_webhook

URLS = template()["Parameters"]["WebhookUrls"]["AllowedPattern"]


@pytest.mark.parametrize(
    "urls",
    [
        "",
        "https://platform.example",
        "https://platform.example/hooks?key=a+b%2C&x=[1]#top",
        "https://platform.example:8443/,https://other.example/hooks",
    ],
)
def test_valid_urls_are_accepted(urls: str) -> None:
    assert re.fullmatch(URLS, urls)


@pytest.mark.parametrize(
    "urls",
    [
        "platform.example",
        "http://platform.example/",
        "http://127.0.0.1:4580/",
        "http://127.0.0.1.platform.example/",
        "https://user:word@platform.example/",
        "https://platform.example/a b",
        "https://plätform.example/",
        "https://platform.example/ä",
        "https://[::1]/",
        "https://platform.example/,ftp://other.example/",
        "https://platform.example/\nhttps://other.example/",
    ],
)
def test_invalid_or_unsafe_urls_are_rejected_at_deployment(urls: str) -> None:
    assert not re.fullmatch(URLS, urls)


def test_urls_require_a_secret() -> None:
    rule = template()["Rules"]["WebhooksNeedSecret"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookUrls"}, ""]}]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookSecretArn"}, ""]}]}


def test_role_names_no_secret_if_none_is_given() -> None:
    [policy] = resources("AWS::IAM::Role")["WebhooksRole"]["Policies"]
    [secrets] = [
        statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "secretsmanager:GetSecretValue"
    ]
    assert secrets[1] == {"Fn::If": ["HasWebhookSecret", {"Ref": "WebhookSecretArn"}, {"Ref": "AWS::NoValue"}]}
    assert template()["Conditions"]["HasWebhookSecret"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookSecretArn"}, ""]}]
    }


def test_metric_filter_counts_the_action_that_the_service_logs() -> None:
    [metric_filter] = resources("AWS::Logs::MetricFilter").values()
    assert metric_filter["LogGroupName"] == functions()["webhooks"]["LoggingConfig"]["LogGroup"]
    [action] = re.findall(r'action = "(\w+)"', metric_filter["FilterPattern"])
    assert f'"action": "{action}"' in inspect.getsource(deliver_webhook)


def test_function_timeout_exceeds_the_longest_attempt() -> None:
    receiver = MAXIMUM_ADDRESSES * CONNECT_SECONDS + ANSWER_SECONDS
    # Three calls: check whether the endpoint is gone, read the job, store the outcome.
    database = 3 * MongoConnection.TIMEOUT_MS / 1000
    assert receiver + database < functions()["webhooks"]["Timeout"]
