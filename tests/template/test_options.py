"""What an operator may switch on: access logs, a web application firewall, an audit of the videos' bucket."""

import json
import re
from typing import Any

import pytest

from tests.template.parsed import resources, template

REST = resources("AWS::Serverless::Api")["Api"]["AccessLogSetting"]["Fn::If"]
LIVE = resources("AWS::Serverless::WebSocketApi")["WebSocketApi"]["AccessLogSettings"]["Fn::If"]
OPTIONS = {
    "AccessLogs": ("false", "HasAccessLogs", {"AccessLogGroup"}),
    "ApiGatewayMayLog": ("false", "MakesLogRole", {"ApiGatewayLogRole", "ApiGatewayAccount"}),
    "WafRequestsPerFiveMinutes": (0, "HasWaf", {"WebAcl", "WebAclAssociation"}),
    "AuditBucketAccess": ("false", "HasAudit", {"AuditBucket", "AuditBucketPolicy", "AuditTrail"}),
}


@pytest.mark.parametrize("parameter", OPTIONS)
def test_an_option_is_off_unless_asked_for_and_makes_nothing_then(parameter: str) -> None:
    default, condition, made = OPTIONS[parameter]
    assert template()["Parameters"][parameter]["Default"] == default
    assert parameter in json.dumps(template()["Conditions"][condition])
    assert {name for name, each in template()["Resources"].items() if each.get("Condition") == condition} == made


@pytest.mark.parametrize("setting", [REST, LIVE], ids=["REST", "WebSocket"])
def test_an_access_log_holds_nothing_that_somebody_sent(setting: list[Any]) -> None:
    condition, logs, otherwise = setting
    assert (condition, otherwise) == ("HasAccessLogs", {"Ref": "AWS::NoValue"})
    assert logs["DestinationArn"] == {"Fn::GetAtt": "AccessLogGroup.Arn"}
    told = json.loads(logs["Format"])
    assert told["requestId"] == "$context.requestId"
    # A path may hold an id, a query a ticket, a header the cookie: of all of them there is the route alone.
    assert not [
        value for value in told.values() if re.search(r"\$(input|stageVariables)|\.path$|header|query|body", value)
    ]


def test_the_firewall_stands_before_the_api_and_counts_each_address() -> None:
    [acl] = resources("AWS::WAFv2::WebACL").values()
    [association] = resources("AWS::WAFv2::WebACLAssociation").values()
    rules = {rule["Name"]: rule["Statement"] for rule in acl["Rules"]}
    assert rules["rate"]["RateBasedStatement"]["Limit"] == {"Ref": "WafRequestsPerFiveMinutes"}
    managed = {name: rule["ManagedRuleGroupStatement"]["Name"] for name, rule in rules.items() if name != "rate"}
    assert managed == {
        "reputation": "AWSManagedRulesAmazonIpReputationList",
        "known-bad": "AWSManagedRulesKnownBadInputsRuleSet",
        "common": "AWSManagedRulesCommonRuleSet",
    }
    assert "restapis/${Api}/stages/${Api.Stage}" in association["ResourceArn"]["Fn::Sub"]
    assert association["WebACLArn"] == {"Fn::GetAtt": "WebAcl.Arn"}


def test_a_prompt_may_be_any_text_and_a_batch_large_behind_the_firewall_too() -> None:
    [acl] = resources("AWS::WAFv2::WebACL").values()
    common = next(rule["Statement"]["ManagedRuleGroupStatement"] for rule in acl["Rules"] if rule["Name"] == "common")
    counted = {each["Name"] for each in common["RuleActionOverrides"] if each["ActionToUse"] == {"Count": {}}}
    of_bodies = {"SizeRestrictions", "CrossSiteScripting", "GenericLFI", "GenericRFI", "EC2MetaDataSSRF"}
    assert counted >= {f"{rule}_BODY" for rule in of_bodies}


def test_the_audit_writes_down_reads_and_writes_of_videos_and_nobody_else_writes_there() -> None:
    [trail] = resources("AWS::CloudTrail::Trail").values()
    [selector] = trail["EventSelectors"]
    assert selector["ReadWriteType"] == "All"
    assert selector["DataResources"] == [{"Type": "AWS::S3::Object", "Values": [{"Fn::Sub": "${VideosBucket.Arn}/"}]}]
    assert trail["EnableLogFileValidation"] is True
    statements = resources("AWS::S3::BucketPolicy")["AuditBucketPolicy"]["PolicyDocument"]["Statement"]
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    assert {each["Principal"]["Service"] for each in allowed} == {"cloudtrail.amazonaws.com"}
    assert all("${AWS::StackName}-videos" in str(each["Condition"]) for each in allowed)
