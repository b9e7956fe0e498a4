"""Checks of the certificates and hosted zones of the domains that the environment uses."""

from collections.abc import Sequence
from functools import partial

from botocore.exceptions import ClientError

from ops.preflight.aws import error_code
from ops.preflight.findings import Check, Finding, failed, passed
from ops.preflight.target import STUDIO_REGION, Target


def list_checks(target: Target) -> Sequence[Check]:
    """Return the checks of the domains of the API, live updates and the studio. A domain that is not set has none."""
    parameters, studio = target.parameters, target.studio
    names = [parameters[name] for name in ("DomainName", "WebSocketDomainName") if parameters[name]]
    checks: list[Check] = []
    if names:
        arn = parameters["CertificateArn"]
        checks.append(Check("CertificateArn", partial(_check_certificate, target, arn, target.region or "", names)))
        if parameters["HostedZoneId"]:
            checks.append(Check("HostedZoneId", partial(_check_zone, target, parameters["HostedZoneId"], names)))
    if name := studio.get("WebDomainName"):
        arn = studio.get("WebCertificateArn", "")
        checks.append(Check("WebCertificateArn", partial(_check_certificate, target, arn, STUDIO_REGION, [name])))
        if zone := studio.get("HostedZoneId"):
            checks.append(Check("HostedZoneId (studio)", partial(_check_zone, target, zone, [name])))
    return checks


def _check_certificate(target: Target, arn: str, region: str, names: Sequence[str]) -> Finding:
    """Require an issued certificate for all names in the region of the API, or in us-east-1 for CloudFront."""
    if not arn.startswith("arn:"):
        return failed("is not set", f"Request a certificate for {', '.join(names)} in {region}")
    if (actual := arn.split(":")[3]) != region:
        return failed(f"is in {actual}, but must be in {region}", f"Request a certificate in {region}")
    try:
        certificate = target.aws.call("acm:DescribeCertificate", region=region, CertificateArn=arn)["Certificate"]
    except ClientError as error:
        return failed(f"ACM does not find it ({error_code(error)})", f"Copy the ARN from ACM in {region}")
    if certificate["Status"] != "ISSUED":
        return failed(f"is {certificate['Status']}", "Create its DNS records, and wait until ACM has issued it")
    patterns = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
    uncovered = [name for name in names if not _is_covered(name, patterns)]
    if uncovered:
        return failed(f"does not cover {', '.join(uncovered)}", f"Request a certificate for {', '.join(names)}")
    return passed(f"issued in {region} for {', '.join(names)}")


def _is_covered(name: str, patterns: set[str]) -> bool:
    """Return whether a name or its wildcard is among the patterns. A wildcard stands for one label."""
    return name in patterns or f"*.{name.partition('.')[2]}" in patterns


def _check_zone(target: Target, zone_id: str, names: Sequence[str]) -> Finding:
    try:
        zone = target.aws.call("route53:GetHostedZone", Id=zone_id)["HostedZone"]
    except ClientError as error:
        return failed(f"Route 53 does not find it ({error_code(error)})", "Copy the ID of the public hosted zone")
    domain = zone["Name"].rstrip(".")
    if zone.get("Config", {}).get("PrivateZone"):
        return failed(f"{domain} is a private zone", "Use the public hosted zone")
    outside = [name for name in names if name != domain and not name.endswith(f".{domain}")]
    if outside:
        return failed(
            f"{domain} does not contain {', '.join(outside)}", "Use the zone of the domain, or leave it empty"
        )
    return passed(f"public zone {domain}")
