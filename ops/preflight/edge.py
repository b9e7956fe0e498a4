"""Checks of options in front of the functions: access logs, AWS WAF, and the studio's CloudFront distribution."""

from collections.abc import Sequence
from functools import partial

from botocore.exceptions import ClientError

from ops.preflight.findings import Check, Finding, failed, passed
from ops.preflight.target import STUDIO_REGION, Target

_WEB_ACLS = 100
"""Default quota of web ACLs per region: https://docs.aws.amazon.com/waf/latest/developerguide/limits.html."""
_DEPLOY_ACCOUNT = "Deploy infrastructure/account.yaml once (docs/guides/deploy.md)"


def list_checks(target: Target) -> Sequence[Check]:
    """Return the checks of the options that the environment uses."""
    checks: list[Check] = []
    if target.parameters["AccessLogs"] == "true":
        checks.append(Check("API Gateway's logging role", partial(_check_logging_role, target)))
    if target.parameters["WafRequestsPerFiveMinutes"] != "0":
        checks.append(Check("AWS WAF", partial(_check_waf, target, "REGIONAL", target.region or "")))
    if name := target.studio.get("WebDomainName"):
        checks.append(Check("AWS WAF (studio)", partial(_check_waf, target, "CLOUDFRONT", STUDIO_REGION)))
        checks.append(Check("CloudFront", partial(_check_cloudfront, target, name)))
    return checks


def _check_logging_role(target: Target) -> Finding:
    """Require the account-wide role. The setting can refer to a deleted role; API Gateway then logs nothing."""
    arn = target.aws.call("apigateway:GET").get("cloudwatchRoleArn")
    if not arn:
        return failed("the account has none in this region", _DEPLOY_ACCOUNT)
    role = arn.rpartition("/")[2]
    try:
        target.aws.call("iam:GetRole", RoleName=role)
    except ClientError:
        return failed(f"the setting names the role {role}, which does not exist", _DEPLOY_ACCOUNT)
    return passed(f"role {role}")


def _check_waf(target: Target, scope: str, region: str) -> Finding:
    acls = target.aws.call("wafv2:ListWebACLs", region=region, Scope=scope, Limit=_WEB_ACLS)["WebACLs"]
    text = f"{len(acls)} of {_WEB_ACLS} web ACLs exist in {region}"
    if len(acls) >= _WEB_ACLS:
        return failed(text, "Ask AWS for a higher quota of web ACLs, or delete one")
    return passed(text)


def _check_cloudfront(target: Target, domain: str) -> Finding:
    """Require that no distribution of another stack uses the domain. Those of other accounts are not visible."""
    listed = target.aws.call("cloudfront:ListDistributions")["DistributionList"].get("Items", [])
    own = f"Studio of {target.stack_name}-studio"
    for distribution in listed:
        if domain in distribution.get("Aliases", {}).get("Items", []) and distribution.get("Comment") != own:
            return failed(f"distribution {distribution['Id']} uses {domain}", "Remove the name there, or use another")
    advice = "" if listed else "A new account may have to be verified first (docs/guides/deploy.md)"
    return passed(f"{domain} is not used by another distribution of the account", advice)
