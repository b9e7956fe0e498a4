import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.resolver
import pymongo
import pytest

from ops.preflight.__main__ import list_checks, main
from ops.preflight.aws import RIGHTS
from ops.preflight.findings import run_checks
from ops.preflight.target import Target
from tests.servers import free_port
from tests.unit.ops.preflight_fixtures import Account, Refusal, mongodb, name_server, write_program

ROOT = Path(__file__).resolve().parents[3]
REGION = "eu-central-1"
SECRETS = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:videojobs/dev"
JWT_KEY = "k" * 20 + "-of-the-preflight-tests"
PASSWORD = "word-of-the-preflight-tests"
READ_WRITE = ["find", "insert", "update", "remove", "createIndex", "dropIndex"]
CERTIFICATE = {"DomainName": "example.com", "SubjectAlternativeNames": ["*.example.com"], "Status": "ISSUED"}
STUDIO = {
    "WebDomainName": "studio.example.com",
    "WebCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/studio",
    "HostedZoneId": "Z1STUDIO",
}
ARGUMENTS = ("dev", *(f"--studio={key}={value}" for key, value in STUDIO.items()))
PARAMETERS = {
    "Environment": "dev",
    "MongoSecretArn": f"{SECRETS}/mongodb-AbCdEf",
    "JwtSecretArn": f"{SECRETS}/jwt-GhIjKl",
    "ProviderSecretArn": f"{SECRETS}/providers-MnOpQr",
    "WebhookSecretArn": f"{SECRETS}/webhooks-StUvWx",
    "Provider": "fal",
    "WorkerConcurrency": "4",
    "RenderConcurrency": "2",
    "DomainName": "api.example.com",
    "WebSocketDomainName": "live.example.com",
    "CertificateArn": f"arn:aws:acm:{REGION}:123456789012:certificate/api",
    "HostedZoneId": "Z1API",
    "WafRequestsPerFiveMinutes": "500",
    "AccessLogs": "true",
}


class Place:
    """A checkout, a machine, an account and a database in which every check passes. A test changes one thing."""

    def __init__(self, folder: Path, mongo_uri: str, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capture = folder, capture
        self.parameters = dict(PARAMETERS)
        self.region: str | None = REGION
        self.secrets = {
            "mongodb-AbCdEf": mongo_uri,
            "jwt-GhIjKl": JWT_KEY,
            "providers-MnOpQr": json.dumps({"fal": {"key": "of-fal"}}),
            "webhooks-StUvWx": "whsec_" + "A" * 44,
        }
        self.aws = Account(
            GetCallerIdentity={
                "Account": "123456789012",
                "Arn": "arn:aws:iam::123456789012:user/operator",
                "UserId": "U",
            },
            DescribeStacks=Refusal("ValidationError", "Stack with id videojobs-dev does not exist"),
            GetAccountSettings=_limit(1000),
            GetSecretValue=self._read_secret,
            DescribeCertificate={"Certificate": CERTIFICATE},
            GetHostedZone={"HostedZone": {"Id": "Z", "Name": "example.com.", "CallerReference": "r"}},
            GetAccount={"cloudwatchRoleArn": "arn:aws:iam::123456789012:role/logging"},
            GetRole=_role,
            ListWebACLs={"WebACLs": []},
            ListDistributions=_distributions(),
            DescribeLogGroups={"logGroups": []},
            ListBuckets={"Buckets": [{"Name": "somebody-elses"}]},
        )
        for name in ("template.yaml", "pyproject.toml"):
            (folder / name).symlink_to(ROOT / name)
        write_program(folder, "sam", "SAM CLI, version 1.170.0")
        write_program(folder, "aws", f"    region                {REGION}              env    ['AWS_REGION']")

    def run(self, *arguments: str) -> int:
        """Run the preflight and return its exit code; `out` and `errors` have its output."""
        self._write_checkout()
        code = main(arguments or ARGUMENTS, root=self.folder, session=self.aws.session())
        self.out, self.errors = self.capture.readouterr()
        return code

    def check(self, title: str, **studio: str) -> str:
        """Run one check alone, and return its outcome, text and advice, separated by bars."""
        self._write_checkout()
        pairs = [f"{key}={value}" for key, value in (STUDIO | studio).items()]
        target = Target(self.folder, "dev", session=self.aws.session(), studio=pairs)
        [(_, finding)] = run_checks([check for check in list_checks(target) if check.title == title])
        return f"{finding.outcome}|{finding.text}|{finding.advice}"

    def _write_checkout(self) -> None:
        region = f'region = "{self.region}"\n' if self.region else ""
        overrides = json.dumps([f"{name}={value}" for name, value in self.parameters.items() if value])
        (self.folder / "samconfig.toml").write_text(
            f'version = 0.1\n[dev.global.parameters]\nstack_name = "videojobs-dev"\n{region}'
            f"[dev.deploy.parameters]\nparameter_overrides = {overrides}\n"
        )

    def _read_secret(self, request: Any) -> dict[str, Any] | Refusal:
        name = request["SecretId"].rpartition("/")[2]
        if name not in self.secrets:
            return Refusal("ResourceNotFoundException")
        return {"ARN": request["SecretId"], "Name": name, "SecretString": self.secrets[name]}


@pytest.fixture(scope="module")
def mongo_uri() -> Iterator[str]:
    """Yield an SRV connection string, as Atlas issues it, whose names and server are on this machine."""
    with mongodb({"ping": {"ok": 1.0}, "connectionStatus": _status("videojobs", READ_WRITE)}) as port:
        records = {
            ("_mongodb._tcp.cluster0.example.test", "SRV"): f"0 0 {port} node.example.test.",
            ("node.example.test", "A"): "127.0.0.1",
        }
        with name_server(records) as (address, dns_port), pytest.MonkeyPatch.context() as patch:
            resolver = dns.resolver.Resolver(configure=False)
            resolver.nameservers, resolver.port = [address], dns_port
            patch.setattr(dns.resolver, "default_resolver", resolver)
            dns.resolver.override_system_resolver(resolver)
            yield f"mongodb+srv://operator:{PASSWORD}@cluster0.example.test/videojobs?tls=false&authMechanism=PLAIN"
            dns.resolver.restore_system_resolver()


@pytest.fixture
def place(tmp_path: Path, mongo_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    """Return a place in which every check passes."""
    for name, value in {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return Place(tmp_path, mongo_uri, capsys)


def test_preflight_passes_and_shows_no_secret(place: Place) -> None:
    place.aws.responses["DescribeStacks"] = _stack("CREATE_COMPLETE", JwtIssuer="https://issuer.example")
    assert place.run() == 0, place.out
    assert "0 FAILED, 0 not established" in place.out
    assert "from this machine's network" in " ".join(place.out.split())
    for value in (PASSWORD, JWT_KEY, "of-fal", place.secrets["webhooks-StUvWx"]):
        assert value not in place.out


def test_preflight_uses_exactly_the_documented_rights(place: Place) -> None:
    assert place.run() == 0
    called = {
        "ListAllMyBuckets" if it == "ListBuckets" else "GET" if it == "GetAccount" else it for it in place.aws.regions
    }
    assert called - {"GetCallerIdentity"} == {action.split(":")[1] for action in RIGHTS}
    section = (ROOT / "docs" / "guides" / "deploy.md").read_text().partition("## Check first")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([a-z0-9]+:\w+)` \|", section, re.MULTILINE)
    assert sorted(documented) == sorted(RIGHTS)


def test_certificates_and_web_acls_of_the_studio_are_looked_up_in_us_east_1(place: Place) -> None:
    assert place.run() == 0
    assert place.aws.regions["DescribeCertificate"] == place.aws.regions["ListWebACLs"] == {REGION, "us-east-1"}
    assert place.aws.regions["GetSecretValue"] == {REGION}


def test_old_sam_cli_fails(place: Place) -> None:
    write_program(place.folder, "sam", "SAM CLI, version 1.150.1")
    assert place.check("SAM CLI").startswith(
        "FAILED|version 1.150.1 does not support the template|Install SAM CLI >=1.170"
    )


def test_missing_sam_cli_fails(place: Place) -> None:
    (place.folder / "sam").unlink()
    assert place.check("SAM CLI").startswith("FAILED|sam is not on the PATH|")


def test_another_region_of_boto3_fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    export = f"export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}"
    assert place.check("region") == f"FAILED|SAM CLI {REGION}, boto3 us-west-2, AWS CLI {REGION}|{export}"


def test_aws_region_alone_does_not_reach_boto3(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", REGION)
    assert f"FAILED|SAM CLI {REGION}, boto3 none, AWS CLI {REGION}|" in place.check("region")


@pytest.mark.parametrize(
    "output",
    [
        "region     : us-west-2         : env    : ['AWS_REGION']",
        "    region   us-west-2   config-file  ~/.aws/config",
    ],
)
def test_another_region_of_the_aws_cli_fails(place: Place, output: str) -> None:
    write_program(place.folder, "aws", output)
    assert "AWS CLI us-west-2" in place.check("region")


def test_samconfig_without_region_fails(place: Place) -> None:
    place.region = None
    assert place.check("region").endswith(f'Set region = "{REGION}" in [dev.global.parameters] of samconfig.toml')


def test_missing_credentials_fail_and_leave_the_rest_open(place: Place) -> None:
    place.aws.with_credentials = False
    assert place.check("credentials") == "FAILED|there are no credentials|Sign in, or set AWS_PROFILE"
    assert "NoCredentialsError" in place.check("Lambda concurrency")


def test_expired_credentials_fail(place: Place) -> None:
    place.aws.responses["GetCallerIdentity"] = Refusal("ExpiredToken")
    assert place.check("credentials").startswith("FAILED|AWS rejects the credentials (ExpiredToken)|")


def test_quota_that_worker_and_render_can_use_up_fails(place: Place) -> None:
    place.parameters |= {"WorkerConcurrency": "50", "RenderConcurrency": "10"}
    place.aws.responses["GetAccountSettings"] = _limit(60)
    assert place.check("Lambda concurrency").startswith(
        "FAILED|quota 60, of which 0 are reserved; worker 50 and render 10|"
    )


def test_quota_of_a_new_account_passes_with_advice(place: Place) -> None:
    place.aws.responses["GetAccountSettings"] = _limit(10)
    assert place.check("Lambda concurrency").endswith(
        "|All queues together can use 51. Ask for 1,000 (Service Quotas, L-B99A9384)."
    )


@pytest.mark.parametrize(
    ("parameter", "arn", "found"),
    [
        ("JwtSecretArn", "", "is not set"),
        ("JwtSecretArn", f"{SECRETS}/jwt", "is not a whole ARN"),
        (
            "JwtSecretArn",
            f"{SECRETS}/jwt-GhIjKl".replace(REGION, "us-east-1"),
            f"is in us-east-1, the stack in {REGION}",
        ),
        ("MongoSecretArn", f"{SECRETS}/mongodb-XxXxXx", "does not exist"),
    ],
)
def test_arn_of_no_usable_secret_fails(place: Place, parameter: str, arn: str, found: str) -> None:
    place.parameters[parameter] = arn
    assert place.check(parameter).startswith(f"FAILED|{found}|")


@pytest.mark.parametrize(
    ("parameter", "name", "value", "advice"),
    [
        ("MongoSecretArn", "mongodb-AbCdEf", '{"uri": "mongodb://secret-part"}', "Store the connection string alone"),
        ("MongoSecretArn", "mongodb-AbCdEf", "mongodb+srv://a:secret/part@host/x", "Escape special characters"),
        ("JwtSecretArn", "jwt-GhIjKl", "secret-part", "has a key of 11 bytes. HS256 needs 32"),
        ("ProviderSecretArn", "providers-MnOpQr", '{"luma": {"key": "secret-part"}}', "an object for fal"),
        ("ProviderSecretArn", "providers-MnOpQr", '{"fal": {"key": ""}}', "an object for fal"),
        ("WebhookSecretArn", "webhooks-StUvWx", "secret-part", "Store whsec_"),
    ],
)
def test_secret_of_another_form_fails(place: Place, parameter: str, name: str, value: str, advice: str) -> None:
    place.secrets[name] = value
    row = place.check(parameter)
    assert row.startswith("FAILED|exists, but its value can't be used|")
    assert advice in row
    assert "secret" not in row.replace("The secret has", "")


def test_host_without_records_fails(place: Place) -> None:
    place.secrets["mongodb-AbCdEf"] = f"mongodb+srv://operator:{PASSWORD}@cluster1.example.test/videojobs"
    assert place.check("MongoDB hosts").startswith("FAILED|the host has no SRV record|")


def test_host_without_address_fails(place: Place) -> None:
    place.secrets["mongodb-AbCdEf"] = f"mongodb://unknown.example.test:{free_port()},127.0.0.1/videojobs"
    assert place.check("MongoDB hosts").startswith("FAILED|1 of 2 hosts have no address|")


def test_mongodb_without_response_fails_or_is_open_in_a_vpc(place: Place) -> None:
    place.secrets["mongodb-AbCdEf"] = f"mongodb://127.0.0.1:{free_port()}/videojobs"
    with pymongo.timeout(0.1):
        assert place.check("MongoDB connection").startswith("FAILED|no response|Allow 0.0.0.0/0 in Atlas")
        place.parameters |= {"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"}
        found = place.check("MongoDB connection")
    assert found == "not established|no response; the functions connect from their VPC|"


def test_refused_password_fails(place: Place) -> None:
    refused = {"ok": 0.0, "code": 18, "codeName": "AuthenticationFailed", "errmsg": "Authentication failed."}
    with mongodb({"saslStart": refused}) as port:
        place.secrets["mongodb-AbCdEf"] = _uri(port)
        assert place.check("MongoDB connection").startswith("FAILED|MongoDB rejects the user name or password|")


@pytest.mark.parametrize(
    ("database", "actions", "missing"),
    [
        ("videojobs", ["find"], "createIndex, insert, remove, update"),
        ("another", READ_WRITE, "createIndex, find, insert"),
    ],
)
def test_user_without_read_write_fails(place: Place, database: str, actions: list[str], missing: str) -> None:
    with mongodb({"ping": {"ok": 1.0}, "connectionStatus": _status(database, actions)}) as port:
        place.secrets["mongodb-AbCdEf"] = _uri(port)
        assert place.check("MongoDB privileges").startswith(f"FAILED|missing on videojobs: {missing}")


def test_privileges_that_mongodb_does_not_report_are_open(place: Place) -> None:
    with mongodb(
        {"ping": {"ok": 1.0}, "connectionStatus": {"authInfo": {"authenticatedUsers": []}, "ok": 1.0}}
    ) as port:
        place.secrets["mongodb-AbCdEf"] = _uri(port)
        assert place.check("MongoDB privileges").startswith("not established|MongoDB reports no user")


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ({"Certificate": CERTIFICATE | {"Status": "PENDING_VALIDATION"}}, "is PENDING_VALIDATION"),
        ({"Certificate": {"DomainName": "api.example.com", "Status": "ISSUED"}}, "does not cover live.example.com"),
        (Refusal("ResourceNotFoundException"), "ACM does not find it (ResourceNotFoundException)"),
    ],
)
def test_unusable_certificate_fails(place: Place, response: Any, found: str) -> None:
    place.aws.responses["DescribeCertificate"] = response
    assert place.check("CertificateArn").startswith(f"FAILED|{found}|")


def test_certificate_of_the_studio_in_another_region_fails(place: Place) -> None:
    found = place.check("WebCertificateArn", WebCertificateArn=PARAMETERS["CertificateArn"])
    assert found.startswith(f"FAILED|is in {REGION}, but must be in us-east-1|")


@pytest.mark.parametrize(
    ("zone", "found"),
    [
        ({"Name": "example.org."}, "example.org does not contain api.example.com, live.example.com"),
        ({"Name": "example.com.", "Config": {"PrivateZone": True}}, "example.com is a private zone"),
    ],
)
def test_another_hosted_zone_fails(place: Place, zone: dict[str, Any], found: str) -> None:
    place.aws.responses["GetHostedZone"] = {"HostedZone": {"Id": "Z", "CallerReference": "r", **zone}}
    assert place.check("HostedZoneId").startswith(f"FAILED|{found}|")


def test_domain_of_another_distribution_fails(place: Place) -> None:
    place.aws.responses["ListDistributions"] = _distributions("studio.example.com")
    assert place.check("CloudFront").startswith("FAILED|distribution E1 uses studio.example.com|")


def test_used_up_quota_of_web_acls_fails(place: Place) -> None:
    place.aws.responses["ListWebACLs"] = {"WebACLs": [{"Name": f"acl-{number}"} for number in range(100)]}
    assert place.check("AWS WAF").startswith(f"FAILED|100 of 100 web ACLs exist in {REGION}|")


def test_account_without_logging_role_fails(place: Place) -> None:
    place.aws.responses["GetAccount"] = {}
    assert place.check("API Gateway's logging role").startswith("FAILED|the account has none in this region|Deploy")


def test_deleted_logging_role_fails(place: Place) -> None:
    place.aws.responses["GetRole"] = Refusal("NoSuchEntity")
    assert "the role logging, which does not exist" in place.check("API Gateway's logging role")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("ROLLBACK_COMPLETE", "Delete it: sam delete --config-env dev"),
        ("UPDATE_ROLLBACK_FAILED", "Continue the rollback"),
        ("UPDATE_IN_PROGRESS", "Wait until it has ended"),
    ],
)
def test_stack_that_cannot_be_updated_fails(place: Place, status: str, advice: str) -> None:
    place.aws.responses["DescribeStacks"] = _stack(status)
    assert place.check("stack").startswith(f"FAILED|videojobs-dev is {status}|{advice}")


def test_log_groups_of_a_deleted_stack_fail(place: Place) -> None:
    place.aws.responses["DescribeLogGroups"] = {"logGroups": [{"logGroupName": "/videojobs/videojobs-dev/worker"}]}
    assert place.check("log groups").startswith("FAILED|/videojobs/videojobs-dev/ already has worker|")


def test_buckets_of_a_deleted_stack_are_named(place: Place) -> None:
    name = "videojobs-dev-videosbucket-1a2b3c"
    place.aws.responses["ListBuckets"] = {"Buckets": [{"Name": name}, {"Name": "videojobs-dev-of-somebody"}]}
    assert place.check("buckets").startswith("ok|an earlier stack left videojobs-dev-videosbucket-1a2b3c|Delete")


@pytest.mark.parametrize(
    ("operation", "title", "right"),
    [
        ("GetAccountSettings", "Lambda concurrency", "lambda:GetAccountSettings"),
        ("GetSecretValue", "JwtSecretArn", "secretsmanager:GetSecretValue"),
        ("GetSecretValue", "MongoDB privileges", "secretsmanager:GetSecretValue"),
        ("GetAccount", "API Gateway's logging role", "apigateway:GET"),
        ("DescribeStacks", "stack", "cloudformation:DescribeStacks"),
        ("ListBuckets", "buckets", "s3:ListAllMyBuckets"),
    ],
)
def test_check_without_its_right_is_open_and_names_the_right(
    place: Place, operation: str, title: str, right: str
) -> None:
    place.aws.responses[operation] = Refusal("AccessDeniedException")
    assert place.check(title) == f"not established|the right {right} is missing|"


def test_right_to_the_key_of_a_secret_is_named(place: Place) -> None:
    place.aws.responses["GetSecretValue"] = Refusal("AccessDeniedException", "Access to KMS is not allowed")
    assert place.check("JwtSecretArn") == "not established|the right kms:Decrypt is missing|"


def test_values_of_the_deployed_stack_apply_where_samconfig_has_none(place: Place) -> None:
    place.parameters["JwtSecretArn"] = ""
    place.aws.responses["DescribeStacks"] = _stack("UPDATE_COMPLETE", JwtSecretArn=PARAMETERS["JwtSecretArn"])
    assert place.check("JwtSecretArn").startswith("ok|exists, long enough for HS256")


def test_failed_check_gives_exit_code_1_and_advice_in_the_table(place: Place) -> None:
    place.secrets["jwt-GhIjKl"] = "too-short"
    place.aws.responses["GetAccountSettings"] = Refusal("AccessDeniedException")
    assert place.run() == 1
    assert "1 FAILED, 1 not established" in place.out
    [row] = [line for line in place.out.splitlines() if line.startswith("JwtSecretArn")]
    assert re.match(r"JwtSecretArn +FAILED +exists, but its value can't be used +The secret has a key of 9 bytes", row)
    assert "too-short" not in place.out


def test_options_that_are_not_used_have_no_row(place: Place) -> None:
    kept = ("Environment", "MongoSecretArn", "JwtSecretArn")
    place.parameters = {name: PARAMETERS[name] for name in kept}
    assert place.run("dev") == 0
    for title in ("CertificateArn", "HostedZoneId", "AWS WAF", "CloudFront", "ProviderSecretArn", "logging role"):
        assert title not in place.out


def test_environment_without_section_is_refused(place: Place) -> None:
    assert place.run("test") == 1
    assert place.errors == "samconfig.toml has no environment test. Use dev, staging or prod.\n"


def _uri(port: int) -> str:
    return f"mongodb://operator:{PASSWORD}@127.0.0.1:{port}/videojobs?authMechanism=PLAIN&directConnection=true"


def _status(database: str, actions: list[str]) -> dict[str, Any]:
    privilege = {"resource": {"db": database, "collection": ""}, "actions": actions}
    user = {"user": "operator", "db": "admin"}
    return {"authInfo": {"authenticatedUsers": [user], "authenticatedUserPrivileges": [privilege]}, "ok": 1.0}


def _limit(quota: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota}}


def _role(request: Any) -> dict[str, Any]:
    role = {
        "RoleName": request["RoleName"],
        "Path": "/",
        "RoleId": "AROA" + "A" * 17,
        "Arn": "arn:aws:iam::123456789012:role/r",
    }
    return {"Role": role | {"CreateDate": datetime(2026, 1, 1, tzinfo=UTC)}}


def _stack(status: str, **parameters: str) -> Any:
    def describe(request: Any) -> Any:
        if request["StackName"] != "videojobs-dev":
            return Refusal("ValidationError", f"Stack with id {request['StackName']} does not exist")
        values = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
        stack = {"StackName": "videojobs-dev", "StackStatus": status, "CreationTime": datetime(2026, 1, 1, tzinfo=UTC)}
        return {"Stacks": [stack | {"Parameters": values}]}

    return describe


def _distributions(*aliases: str) -> dict[str, Any]:
    listed: dict[str, Any] = {"Marker": "", "MaxItems": 100, "IsTruncated": False, "Quantity": len(aliases)}
    items = [{"Id": "E1", "Comment": "", "Aliases": {"Quantity": 1, "Items": [alias]}} for alias in aliases]
    return {"DistributionList": listed | {"Items": items}}
