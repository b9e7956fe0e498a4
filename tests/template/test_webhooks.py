"""Webhooks: which URLs may be given, that there is a secret where there is one, and time enough for an attempt."""

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
        "http://127.0.0.1:4580/",
    ],
)
def test_urls_may_be_given(urls: str) -> None:
    assert re.fullmatch(URLS, urls)


@pytest.mark.parametrize(
    "urls",
    [
        "platform.example",
        "http://platform.example/",
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
def test_what_is_no_url_or_is_not_safe_is_refused_at_deployment(urls: str) -> None:
    assert not re.fullmatch(URLS, urls)


def test_urls_need_a_secret() -> None:
    rule = template()["Rules"]["WebhooksNeedSecret"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookUrls"}, ""]}]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookSecretArn"}, ""]}]}


def test_without_a_secret_the_role_names_none() -> None:
    [policy] = resources("AWS::IAM::Role")["WebhooksRole"]["Policies"]
    [secrets] = [
        each["Resource"]
        for each in policy["PolicyDocument"]["Statement"]
        if each["Action"] == "secretsmanager:GetSecretValue"
    ]
    assert secrets[1] == {"Fn::If": ["HasWebhookSecret", {"Ref": "WebhookSecretArn"}, {"Ref": "AWS::NoValue"}]}
    assert template()["Conditions"]["HasWebhookSecret"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookSecretArn"}, ""]}]
    }


def test_what_is_given_up_is_counted_by_the_action_that_the_service_logs() -> None:
    [counted] = resources("AWS::Logs::MetricFilter").values()
    assert counted["LogGroupName"] == functions()["webhooks"]["LoggingConfig"]["LogGroup"]
    [action] = re.findall(r'action = "(\w+)"', counted["FilterPattern"])
    assert f'"action": "{action}"' in inspect.getsource(deliver_webhook)


def test_the_slowest_attempt_is_over_before_the_function_is() -> None:
    receiver = MAXIMUM_ADDRESSES * CONNECT_SECONDS + ANSWER_SECONDS
    database = 3 * MongoConnection.TIMEOUT_MS / 1000  # is it gone, the job, and what came of it
    assert receiver + database < functions()["webhooks"]["Timeout"]
