"""Studio on CloudFront: access to its files, routing, caching, and security headers."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from localcloud.pages import CACHE_CONTROL, SETTINGS, find_pages
from localcloud.template import read_page_headers
from tests.template.parsed import ROOT, resources, template

[DISTRIBUTION] = (
    properties["DistributionConfig"] for properties in resources("AWS::CloudFront::Distribution", "studio").values()
)
STUDIO = ROOT / "infrastructure" / "studio.yaml"
FILES = [*find_pages(ROOT / "web"), SETTINGS]
API_PATHS: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
HEADERS = read_page_headers(STUDIO, videos="https://videos.example", live="wss://live.example")


def _directives() -> dict[str, list[str]]:
    parts = (part.split() for part in HEADERS["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def test_studio_is_not_part_of_the_root_stack_and_is_deployed_only_in_us_east_1() -> None:
    assert not any(resource["Type"].startswith("AWS::CloudFront") for resource in template()["Resources"].values())
    [rule] = template("studio")["Rules"].values()
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}


def test_web_acl_protects_the_distribution() -> None:
    [acl] = resources("AWS::WAFv2::WebACL", "studio").values()
    assert acl["Scope"] == "CLOUDFRONT"
    assert DISTRIBUTION["WebACLId"] == {"Fn::GetAtt": "WebAcl.Arn"}


def test_names_are_those_of_the_stack() -> None:
    # They are unique in the account, so stacks of two regions of the API must differ in them.
    access = resources("AWS::CloudFront::OriginAccessControl", "studio")["WebAccess"]
    headers = resources("AWS::CloudFront::ResponseHeadersPolicy", "studio")["WebHeaders"]
    names = (access["OriginAccessControlConfig"]["Name"], headers["ResponseHeadersPolicyConfig"]["Name"])
    assert names == ({"Ref": "AWS::StackName"}, {"Ref": "AWS::StackName"})


def test_only_the_distribution_reads_the_files() -> None:
    policy = resources("AWS::S3::BucketPolicy", "studio")["WebBucketPolicy"]
    statement, tls = policy["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (statement["Effect"], statement["Action"]) == ("Allow", "s3:GetObject")
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    source = statement["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert source.endswith(":distribution/${WebDistribution}")


def test_paths_of_the_api_reach_the_api_with_their_methods_and_files_do_not() -> None:
    [api] = DISTRIBUTION["CacheBehaviors"]
    for path, operations in API_PATHS.items():
        assert fnmatchcase(path, api["PathPattern"])
        assert {method.upper() for method in operations} <= set(api["AllowedMethods"])
    assert [name for name in FILES if fnmatchcase(f"/{name}", api["PathPattern"])] == []


def test_requests_reach_both_origins_with_the_path_of_the_page() -> None:
    origins = {origin["Id"]: origin for origin in DISTRIBUTION["Origins"]}
    assert [name for name, origin in origins.items() if "OriginPath" in origin] == []
    # The custom domain of the API has no stage in its path, unlike its execute-api endpoint.
    assert origins[DISTRIBUTION["CacheBehaviors"][0]["TargetOriginId"]]["DomainName"] == {"Ref": "ApiDomainName"}
    files = origins[DISTRIBUTION["DefaultCacheBehavior"]["TargetOriginId"]]
    assert files["DomainName"] == {"Fn::GetAtt": "WebBucket.RegionalDomainName"}
    assert files["OriginAccessControlId"] == {"Fn::GetAtt": "WebAccess.Id"}
    assert DISTRIBUTION["DefaultRootObject"] in FILES


def test_files_are_revalidated_before_they_are_used() -> None:
    # The managed policy CachingOptimized follows Cache-Control, with a minimum of one second:
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
    assert DISTRIBUTION["DefaultCacheBehavior"]["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
    assert CACHE_CONTROL == "no-cache"


def test_api_responses_are_not_cached_and_the_cookie_is_forwarded() -> None:
    [api] = DISTRIBUTION["CacheBehaviors"]
    assert (api["PathPattern"], api["TargetOriginId"]) == ("/api/*", "api")
    assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert api["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert {"POST", "DELETE", "OPTIONS"} <= set(api["AllowedMethods"])


def test_errors_are_not_cached_and_keep_the_body_of_the_api() -> None:
    # CloudFront accepts these codes: the list in
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/creating-custom-error-pages.html
    configurable = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
    responses = DISTRIBUTION["CustomErrorResponses"]
    assert {response["ErrorCode"] for response in responses} == configurable
    for response in responses:
        assert response["ErrorCachingMinTTL"] == 0
        assert set(response) == {"ErrorCode", "ErrorCachingMinTTL"}, "a page would replace the API's body"


def test_all_connections_use_tls() -> None:
    assert DISTRIBUTION["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert DISTRIBUTION["CacheBehaviors"][0]["ViewerProtocolPolicy"] == "https-only"
    api = DISTRIBUTION["Origins"][1]
    assert api["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert HEADERS["Strict-Transport-Security"] == "max-age=31536000"


def test_page_loads_only_its_own_scripts_styles_and_fonts() -> None:
    directives = _directives()
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["style-src"] == directives["font-src"] == ["'self'"]
    assert directives["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_page_connects_only_to_the_project_origins() -> None:
    sources = {source for name, values in _directives().items() if name.endswith("-src") for source in values}
    assert sources == {"'none'", "'self'", "https://videos.example", "wss://live.example"}


@pytest.mark.parametrize("name", ["frame-ancestors", "base-uri"])
def test_page_allows_no_frames_and_no_base_url(name: str) -> None:
    assert _directives()[name] == ["'none'"]


def test_headers_are_set_on_the_files_and_the_api_keeps_its_own() -> None:
    assert DISTRIBUTION["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == {"Ref": "WebHeaders"}
    assert "ResponseHeadersPolicyId" not in DISTRIBUTION["CacheBehaviors"][0]
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["X-Frame-Options"] == "DENY"


def test_local_server_knows_every_header_of_the_policy() -> None:
    config = resources("AWS::CloudFront::ResponseHeadersPolicy", "studio")["WebHeaders"]["ResponseHeadersPolicyConfig"]
    policies, custom = config["SecurityHeadersConfig"], config["CustomHeadersConfig"]["Items"]
    assert set(config) == {"Name", "SecurityHeadersConfig", "CustomHeadersConfig"}
    assert len(HEADERS) == len(policies) + len(custom)
    assert all(header["Override"] for header in [*policies.values(), *custom])
