"""Optional features: access logs, a web application firewall, and an audit trail of the videos bucket."""

import json
import re
from typing import Any

import pytest

from tests.template.parsed import resources, template

REST = resources("AWS::Serverless::Api")["Api"]["AccessLogSetting"]["Fn::If"]
LIVE = resources("AWS::Serverless::WebSocketApi")["WebSocketApi"]["AccessLogSettings"]["Fn::If"]
OPTIONS = {
    "AccessLogs": ("false", "HasAccessLogs", {"AccessLogGroup"}),
    "WafRequestsPerFiveMinutes": (0, "HasWaf", {"WebAcl", "WebAclAssociation", "StudioSecret"}),
    "AuditBucketAccess": ("false", "HasAudit", {"AuditBucket", "AuditBucketPolicy", "AuditTrail"}),
}


@pytest.mark.parametrize("parameter", OPTIONS)
def test_option_is_off_by_default_and_creates_no_resources_then(parameter: str) -> None:
    default, condition, optional_resources = OPTIONS[parameter]
    assert template()["Parameters"][parameter]["Default"] == default
    assert parameter in json.dumps(template()["Conditions"][condition])
    assert {
        name for name, resource in template()["Resources"].items() if resource.get("Condition") == condition
    } == optional_resources


@pytest.mark.parametrize("setting", [REST, LIVE], ids=["REST", "WebSocket"])
def test_access_log_contains_no_data_of_the_request(setting: list[Any]) -> None:
    condition, logs, otherwise = setting
    assert (condition, otherwise) == ("HasAccessLogs", {"Ref": "AWS::NoValue"})
    assert logs["DestinationArn"] == {"Fn::GetAtt": "AccessLogGroup.Arn"}
    fields = json.loads(logs["Format"])
    assert fields["requestId"] == "$context.requestId"
    # A path can contain an ID, a query a ticket, and a header the cookie. The log contains only the route.
    assert not [
        value for value in fields.values() if re.search(r"\$(input|stageVariables)|\.path$|header|query|body", value)
    ]


def test_firewall_protects_the_api_and_limits_requests_per_address() -> None:
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


BODY_RULES = {
    "common": {"SizeRestrictions", "CrossSiteScripting", "GenericLFI", "GenericRFI", "EC2MetaDataSSRF"},
    "known-bad": {"Log4JRCE", "JavaDeserializationRCE", "ReactJSRCE"},
}
"""Rules on bodies: https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html"""


@pytest.mark.parametrize("name", BODY_RULES)
def test_firewall_does_not_block_bodies_by_their_content_or_size(name: str) -> None:
    [acl] = resources("AWS::WAFv2::WebACL").values()
    group = next(rule["Statement"]["ManagedRuleGroupStatement"] for rule in acl["Rules"] if rule["Name"] == name)
    counted = {rule["Name"] for rule in group["RuleActionOverrides"] if rule["ActionToUse"] == {"Count": {}}}
    assert counted >= {f"{rule}_BODY" for rule in BODY_RULES[name]}


def test_rules_on_addresses_ignore_requests_of_the_studio_and_the_studio_has_the_same_rules() -> None:
    # Through the studio they have addresses of CloudFront, which many users share.
    by_address = {"rate", "reputation"}
    [acl] = resources("AWS::WAFv2::WebACL").values()
    statements = {rule["Name"]: next(iter(rule["Statement"].values())) for rule in acl["Rules"]}
    for name in by_address:
        match = statements[name]["ScopeDownStatement"]["NotStatement"]["Statement"]["ByteMatchStatement"]
        assert match["PositionalConstraint"] == "EXACTLY"
        assert match["SearchString"] == {"Fn::Sub": "{{resolve:secretsmanager:${StudioSecret}:SecretString}}"}
        assert match["FieldToMatch"] == {"SingleHeader": {"Name": _header_of_the_studio()}}
    assert not [name for name in statements if name not in by_address and "ScopeDownStatement" in statements[name]]
    [studio] = resources("AWS::WAFv2::WebACL", "studio").values()
    assert {rule["Name"] for rule in studio["Rules"]} == by_address


def test_secret_of_the_studio_is_generated_and_readable_in_the_region_of_the_studio() -> None:
    [secret] = resources("AWS::SecretsManager::Secret").values()
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32
    assert secret["ReplicaRegions"]["Fn::If"][1:] == [{"Ref": "AWS::NoValue"}, [{"Region": "us-east-1"}]]
    pattern = template("studio")["Parameters"]["ApiSecretName"]["AllowedPattern"]
    assert re.fullmatch(pattern, secret["Name"]["Fn::Sub"].replace("${AWS::StackName}", "videojobs-dev"))


def _header_of_the_studio() -> str:
    """Return the name of the header with which the studio's distribution identifies itself to the API."""
    [distribution] = resources("AWS::CloudFront::Distribution", "studio").values()
    [api] = [origin for origin in distribution["DistributionConfig"]["Origins"] if origin["Id"] == "api"]
    condition, [header], otherwise = api["OriginCustomHeaders"]["Fn::If"]
    assert (condition, otherwise) == ("HasApiSecret", {"Ref": "AWS::NoValue"})
    assert header["HeaderValue"] == {"Fn::Sub": "{{resolve:secretsmanager:${ApiSecretName}:SecretString}}"}
    return str(header["HeaderName"])


def test_audit_trail_records_reads_and_writes_of_videos_and_only_cloudtrail_writes_it() -> None:
    [trail] = resources("AWS::CloudTrail::Trail").values()
    [selector] = trail["EventSelectors"]
    assert selector["ReadWriteType"] == "All"
    assert selector["DataResources"] == [{"Type": "AWS::S3::Object", "Values": [{"Fn::Sub": "${VideosBucket.Arn}/"}]}]
    assert trail["EnableLogFileValidation"] is True
    statements = resources("AWS::S3::BucketPolicy")["AuditBucketPolicy"]["PolicyDocument"]["Statement"]
    allowed = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert {statement["Principal"]["Service"] for statement in allowed} == {"cloudtrail.amazonaws.com"}
    assert all("${AWS::StackName}-videos" in str(statement["Condition"]) for statement in allowed)


def test_logging_role_of_the_account_remains_when_its_stack_is_deleted() -> None:
    # The account's setting continues to refer to the role, also for other APIs.
    account = template("account")["Resources"]
    assert {resource["Type"] for resource in account.values()} == {"AWS::IAM::Role", "AWS::ApiGateway::Account"}
    assert {resource["DeletionPolicy"] for resource in account.values()} == {"Retain"}
    assert not {"AWS::ApiGateway::Account"} & {resource["Type"] for resource in template()["Resources"].values()}
