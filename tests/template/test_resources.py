"""Functions, layers, log groups, buckets, parameters and outputs."""

import tomllib

import pytest

from tests.template.parsed import FUNCTIONS, ROOT, functions, resources, template

SHARED = template()["Globals"]["Function"]
BUCKETS = resources("AWS::S3::Bucket")
BUCKET = BUCKETS["VideosBucket"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_a_folder_with_an_app(name: str) -> None:
    folder = ROOT / functions()[name]["CodeUri"]
    assert (folder / "app.py").is_file()
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert all(line.startswith("#") for line in requirements), "dependencies belong in the layers"


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
    assert logs["RetentionInDays"] == {"Ref": "LogRetentionDays"}
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
    assert template()["Resources"]["VideosBucketPolicy"]["Condition"] == "OnAws"
    assert template()["Conditions"]["OnAws"] == {"Fn::Not": [{"Condition": "IsLocal"}]}
    assert template()["Conditions"]["IsLocal"] == {"Fn::Equals": [{"Ref": "Environment"}, "local"]}
    [statement] = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_videos_results_and_incomplete_uploads_expire() -> None:
    always = [rule for rule in BUCKET["LifecycleConfiguration"]["Rules"] if "Fn::If" not in rule]
    rules = {rule["Id"]: rule for rule in always}
    assert rules["expire"]["ExpirationInDays"] == {"Ref": "VideoRetentionDays"}
    assert rules["abort-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert (rules["provider-results"]["Prefix"], rules["provider-results"]["ExpirationInDays"]) == ("bedrock/", 1)
    assert all(rule["Status"] == "Enabled" for rule in rules.values())


def test_versions_of_videos_are_optional_and_expire() -> None:
    assert BUCKET["VersioningConfiguration"] == {
        "Fn::If": ["KeepsVersions", {"Status": "Enabled"}, {"Ref": "AWS::NoValue"}]
    }
    [optional] = [rule["Fn::If"] for rule in BUCKET["LifecycleConfiguration"]["Rules"] if "Fn::If" in rule]
    assert optional[0] == "KeepsVersions"
    assert optional[1]["NoncurrentVersionExpiration"] == {"NoncurrentDays": {"Ref": "VideoVersionDays"}}
    parameter = template()["Parameters"]["VideoVersionDays"]
    assert parameter["Default"] == 0, "erased videos must not remain as versions by default"
    assert parameter["MaxValue"] <= 30, "erasure must be complete within a month"


def test_videos_bucket_is_retained_when_the_stack_is_deleted() -> None:
    bucket = template()["Resources"]["VideosBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


def test_outputs_are_complete() -> None:
    queues = {f"{name}Url" for name in resources("AWS::SQS::Queue")}
    addresses = {"ApiUrl", "DomainTarget", "WebSocketUrl", "WebSocketDomainTarget", "WebUrl", "WebDomainTarget"}
    function_names = {f"{name.capitalize()}FunctionName" for name in FUNCTIONS}
    assert (
        set(template()["Outputs"])
        == {"VideosBucketName", "WebBucketName", "SignInUrl", "AlarmTopicArn", "DashboardUrl"}
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


def test_every_environment_has_a_section_in_samconfig() -> None:
    sections = tomllib.loads((ROOT / "samconfig.toml").read_text())
    environments = template()["Parameters"]["Environment"]["AllowedValues"]
    assert sorted(set(sections) - {"version"}) == sorted(environments)
    for name in environments:
        deploy = sections[name]["deploy"]["parameters"]
        assert f"Environment={name}" in deploy["parameter_overrides"]
        assert deploy["confirm_changeset"] == (name in {"staging", "prod"})
        assert sections[name]["build"]["parameters"] == {"cached": True, "parallel": True}
