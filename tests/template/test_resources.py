"""Functions, layers, log groups, buckets, parameters and outputs."""

import re
import tomllib
from pathlib import Path

import pytest

from localcloud.overlay import ENVIRONMENT
from tests.template.parsed import FUNCTIONS, ROOT, functions, mapped, resources, template

SHARED = template()["Globals"]["Function"]
BUCKETS = resources("AWS::S3::Bucket") | resources("AWS::S3::Bucket", "studio")
BUCKET = BUCKETS["VideosBucket"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_folder_of_a_function_contains_only_its_app(name: str) -> None:
    files = {path.name for path in (ROOT / functions()[name]["CodeUri"]).iterdir()} - {"__pycache__"}
    assert files == {"app.py"}, "dependencies belong in the layers"


def test_every_folder_of_a_function_is_deployed() -> None:
    folders = {f"functions/{path.parent.name}" for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == {function["CodeUri"] for function in functions().values()}


def test_layers_support_the_runtime_and_architecture_of_the_functions() -> None:
    assert SHARED["Runtime"] == "python3.13"
    assert SHARED["Handler"] == "app.handler"
    assert SHARED["Tracing"] == "Active"
    for layer in resources("AWS::Serverless::LayerVersion").values():
        assert layer["CompatibleRuntimes"] == [SHARED["Runtime"]]
        assert layer["CompatibleArchitectures"] == SHARED["Architectures"] == [{"Ref": "Architecture"}]


@pytest.mark.parametrize("layer", ["CommonLayer", "MediaLayer"])
def test_layer_is_built_for_the_deployed_architecture(layer: str) -> None:
    metadata = template()["Resources"][layer]["Metadata"]
    assert metadata["BuildMethod"] == "makefile"
    assert metadata["BuildArchitecture"] == {"Ref": "Architecture"}
    assert metadata["WorkingDirectory"] == {"Fn::Sub": "layers/platform/${Architecture}"}
    for architecture in template()["Parameters"]["Architecture"]["AllowedValues"]:
        assert (ROOT / "layers" / "platform" / architecture / "wheels.mk").is_file()


def test_only_render_has_the_media_layer() -> None:
    assert SHARED["Layers"] == [{"Ref": "CommonLayer"}]
    own = {name: function["Layers"] for name, function in functions().items() if "Layers" in function}
    providers = {"Ref": "ProvidersLayer"}
    assert own.pop("render") == [{"Ref": "MediaLayer"}, providers]
    assert own == {"callbacks": [providers], "worker": [providers]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_a_log_group_with_a_retention_period(name: str) -> None:
    logs = resources("AWS::Logs::LogGroup")[functions()[name]["LoggingConfig"]["LogGroup"]["Ref"]]
    assert int(mapped(logs["RetentionInDays"])) > 0
    assert logs["LogGroupName"]["Fn::Sub"].endswith(f"/{name}")


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_is_private_and_encrypted(name: str) -> None:
    bucket = BUCKETS[name]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_videos_bucket_requires_tls() -> None:
    policy = resources("AWS::S3::BucketPolicy")["VideosBucketPolicy"]
    assert "Condition" not in template()["Resources"]["VideosBucketPolicy"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_videos_results_and_incomplete_uploads_expire() -> None:
    rules = {rule["Id"]: rule for rule in BUCKET["LifecycleConfiguration"]["Rules"]}
    assert rules["expire"]["ExpirationInDays"] == {"Ref": "VideoRetentionDays"}
    assert rules["abort-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert (rules["provider-results"]["Prefix"], rules["provider-results"]["ExpirationInDays"]) == ("bedrock/", 1)
    assert all(rule["Status"] == "Enabled" for rule in rules.values())


def test_versions_of_videos_are_optional_and_expire() -> None:
    assert BUCKET["VersioningConfiguration"] == {
        "Fn::If": ["KeepsVersions", {"Status": "Enabled"}, {"Ref": "AWS::NoValue"}]
    }
    # Versions remain in a bucket whose versioning was suspended, so the rule does not depend on the condition.
    [rule] = [rule for rule in BUCKET["LifecycleConfiguration"]["Rules"] if rule["Id"] == "versions"]
    days = {"Fn::If": ["KeepsVersions", {"Ref": "VideoVersionDays"}, 1]}
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": days}
    assert (rule["Status"], rule["ExpiredObjectDeleteMarker"]) == ("Enabled", True)
    parameter = template()["Parameters"]["VideoVersionDays"]
    assert parameter["Default"] == 0, "erased videos must not remain as versions by default"
    assert parameter["MaxValue"] <= 30, "erasure must be complete within a month"


@pytest.mark.parametrize(
    ("name", "bucket"), [("template", "VideosBucket"), ("template", "AuditBucket"), ("studio", "WebBucket")]
)
def test_bucket_is_retained_when_the_stack_is_deleted_but_not_when_its_creation_fails(name: str, bucket: str) -> None:
    resource = template(name)["Resources"][bucket]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_outputs_are_complete() -> None:
    queues = {f"{name}Url" for name in resources("AWS::SQS::Queue")}
    addresses = {"ApiUrl", "DomainTarget", "WebSocketUrl", "WebSocketDomainTarget"}
    function_names = {f"{name.capitalize()}FunctionName" for name in FUNCTIONS}
    assert (
        set(template()["Outputs"])
        == {"VideosBucketName", "VideosDomainName", "AlarmTopicArn", "DashboardUrl"}
        | addresses
        | queues
        | function_names
    )


def test_every_parameter_is_in_one_group() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template()["Parameters"])


def test_timeout_of_the_index_resource_exceeds_that_of_its_function() -> None:
    [resource] = resources("Custom::MongoIndexes").values()
    assert resource["ServiceToken"] == {"Fn::GetAtt": "IndexesFunction.Arn"}
    assert resource["ServiceTimeout"] > functions()["indexes"]["Timeout"]


def test_every_environment_has_a_section_in_samconfig_and_a_row_in_mappings() -> None:
    sections = tomllib.loads((ROOT / "samconfig.toml").read_text())
    environments = template()["Parameters"]["Environment"]["AllowedValues"]
    assert sorted(set(sections) - {"version", "local"}) == sorted(environments)
    assert sorted(template()["Mappings"]["Environments"]) == sorted(environments)
    for name in [*environments, "local"]:
        deploy = sections[name]["deploy"]["parameters"]
        assert f"Environment={name}" in deploy["parameter_overrides"]
        assert deploy["confirm_changeset"] == (name in {"staging", "prod"})
        assert set(deploy["capabilities"].split()) == {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}
        # sam compares only the folder of a layer itself, not the files that its Makefile includes.
        assert sections[name]["build"]["parameters"]["cached"] is False
        assert all(sections[name][command]["parameters"]["language_extensions"] for command in ("build", "deploy"))


def test_environment_of_the_overlay_cannot_be_deployed_to_aws() -> None:
    assert ENVIRONMENT not in template()["Parameters"]["Environment"]["AllowedValues"]


SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:videojobs/dev/any"


@pytest.mark.parametrize("name", [name for name in template()["Parameters"] if name.endswith("SecretArn")])
def test_partial_arn_of_a_secret_is_rejected(name: str) -> None:
    # A policy with a partial ARN matches no secret, so every call would be denied.
    pattern = template()["Parameters"][name]["AllowedPattern"]
    assert re.fullmatch(pattern, f"{SECRET}-AbCdE1")
    assert not re.fullmatch(pattern, SECRET)


TEMPLATES = [ROOT / "template.yaml", *sorted((ROOT / "infrastructure").glob("*.yaml"))]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_describes_only_aws(path: Path) -> None:
    words = re.compile(r"\blocal|loopback|emulat|secantus|ministack|127\.0\.0\.1", re.IGNORECASE)
    lines = path.read_text().splitlines()
    assert [
        line for line in lines if words.search(re.sub(r"#.*", lambda it: it[0].replace("sam local", ""), line))
    ] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_lines_of_a_template_have_at_most_140_characters(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if len(line) > 140] == []


def test_root_template_is_small() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert len(text.splitlines()) <= 2000
    assert len(text.encode()) <= 100_000
    assert len(template()["Parameters"]) <= 35


def test_only_the_options_of_providers_are_a_json_object() -> None:
    parameters = template()["Parameters"].items()
    assert [name for name, it in parameters if str(it.get("Default", "")).startswith("{")] == ["ProviderOptions"]


@pytest.mark.parametrize("name", ["template", "monitoring", "studio", "account", "github"])
def test_every_parameter_has_a_description(name: str) -> None:
    assert [key for key, it in template(name).get("Parameters", {}).items() if "Description" not in it] == []
