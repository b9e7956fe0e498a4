"""Deployment: when `up` deploys again, and the parameters that it passes to sam."""

import json
import zipfile
from copy import replace
from pathlib import Path
from typing import Any

import pytest

from localcloud.aws import tool_environment
from localcloud.config import DEVELOPMENT_ORIGINS, CloudConfig
from localcloud.deployment import fingerprint, override_parameters, template_parameters, write_templates
from localcloud.errors import LocalCloudError
from localcloud.local_secrets import SecretArns, read_jwt_secret
from localcloud.overlay import adapt
from localcloud.template import read_template

ROOT = Path(__file__).resolve().parents[3]
ENDPOINT = "http://127.0.0.1:1"
ARNS = SecretArns(mongo="arn:m", jwt="arn:j", webhook="arn:w", provider="arn:p")
TEMPLATE = """\
Parameters:
  Environment: {Type: String, Default: dev}
  MongoSecretArn: {Type: String}
  Limit: {Type: Number, Default: 5}
  Switch: {Type: String, Default: false}
  List: {Type: CommaDelimitedList, Default: ""}
  Provider: {Type: String, Default: sketch}
Resources: {}
"""


@pytest.fixture
def config(tmp_path: Path) -> CloudConfig:
    (tmp_path / "functions" / "status").mkdir(parents=True)
    (tmp_path / "functions" / "status" / "app.py").write_text("handler = None\n")
    (tmp_path / "layers").mkdir()
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    configure(tmp_path, '"Environment=local A=1"')
    return CloudConfig(root=tmp_path, state=tmp_path / ".local")


def configure(root: Path, overrides: str) -> None:
    """Write a samconfig.toml with these overrides, which are TOML."""
    (root / "samconfig.toml").write_text(f"[local.deploy.parameters]\nparameter_overrides = {overrides}\n")


def parameters_of(config: CloudConfig) -> dict[str, str]:
    return template_parameters(config, "http://127.0.0.1:2/", ARNS)


def test_the_fingerprint_depends_only_on_the_inputs(config: CloudConfig) -> None:
    assert fingerprint(config, ENDPOINT, {"A": "1", "B": "2"}) == fingerprint(config, ENDPOINT, {"B": "2", "A": "1"})


def test_a_change_in_a_function_changes_the_fingerprint(config: CloudConfig) -> None:
    before = fingerprint(config, ENDPOINT, {})
    (config.root / "functions" / "status" / "app.py").write_text("handler = 1\n")

    assert fingerprint(config, ENDPOINT, {}) != before


def test_moving_a_file_changes_the_fingerprint(config: CloudConfig) -> None:
    before = fingerprint(config, ENDPOINT, {})
    (config.root / "functions" / "status" / "app.py").rename(config.root / "functions" / "app.py")

    assert fingerprint(config, ENDPOINT, {}) != before


def test_a_changed_parameter_changes_the_fingerprint(config: CloudConfig) -> None:
    assert fingerprint(config, ENDPOINT, {"A": "1"}) != fingerprint(config, ENDPOINT, {"A": "2"})


def test_another_endpoint_or_setting_changes_the_fingerprint(config: CloudConfig) -> None:
    before = fingerprint(config, ENDPOINT, {})

    assert fingerprint(config, "http://127.0.0.1:2", {}) != before
    assert fingerprint(replace(config, settings={"SnapStart": "PublishedVersions"}), ENDPOINT, {}) != before


def test_bytecode_does_not_change_the_fingerprint(config: CloudConfig) -> None:
    before = fingerprint(config, ENDPOINT, {})
    cache = config.root / "functions" / "status" / "__pycache__"
    cache.mkdir()
    (cache / "app.cpython-313.pyc").write_bytes(b"\0")

    assert fingerprint(config, ENDPOINT, {}) == before


def test_a_template_of_another_folder_changes_the_fingerprint(config: CloudConfig) -> None:
    before = fingerprint(config, ENDPOINT, {})
    (config.root / "infrastructure").mkdir()
    (config.root / "infrastructure" / "monitoring.yaml").write_text("Resources: {}\n")

    assert fingerprint(config, ENDPOINT, {}) != before


def test_parameters_are_defaults_then_samconfig_then_values_of_this_run(config: CloudConfig) -> None:
    parameters = parameters_of(config)

    assert parameters.pop("Architecture") in {"arm64", "x86_64"}
    assert parameters == {
        "Environment": "local",
        "A": "1",
        "Limit": "5",
        "Switch": "false",
        "List": "",
        "Provider": "sketch",
        "AllowedOrigins": ",".join(["http://127.0.0.1:2", "http://localhost:2", *DEVELOPMENT_ORIGINS]),
        "MongoSecretArn": "arn:m",
        "JwtSecretArn": "arn:j",
        "WebhookSecretArn": "arn:w",
        "ProviderSecretArn": "arn:p",
    }


def test_pages_of_vite_and_next_are_allowed_unless_others_are_named(config: CloudConfig) -> None:
    assert {"http://127.0.0.1:5173", "http://localhost:5173", "http://127.0.0.1:3000", "http://localhost:3000"} == {
        *DEVELOPMENT_ORIGINS
    }
    variables = {"ALLOWED_ORIGINS": "http://127.0.0.1:8080/, https://app.test,"}
    named = CloudConfig.from_environment(variables, root=config.root)
    allowed = ["http://127.0.0.1:2", "http://localhost:2", "http://127.0.0.1:8080", "https://app.test"]
    assert parameters_of(named)["AllowedOrigins"].split(",") == allowed


def test_environment_variables_override_samconfig(config: CloudConfig) -> None:
    configure(config.root, '"Environment=local Provider=simulated"')
    overriding = CloudConfig.from_environment({"PROVIDER": "fal"}, root=config.root)

    assert parameters_of(config)["Provider"] == "simulated"
    assert parameters_of(overriding)["Provider"] == "fal"


@pytest.mark.parametrize(
    "overrides",
    [
        """'Environment=local List="" Options="{\\"a\\": \\"b c\\"}"'""",
        """["Environment=local", 'List=""', "Options='{\\"a\\": \\"b c\\"}'"]""",
        """{Environment = "local", List = "", Options = '{"a": "b c"}'}""",
    ],
    ids=["string", "list", "table"],
)
def test_samconfig_is_read_as_sam_reads_it(config: CloudConfig, overrides: str) -> None:
    configure(config.root, overrides)
    parameters = parameters_of(config)

    assert (parameters["List"], parameters["Options"]) == ("", '{"a": "b c"}')


def test_an_override_that_sam_rejects_is_reported(config: CloudConfig) -> None:
    configure(config.root, '["Environment=local", "List="]')

    with pytest.raises(LocalCloudError, match="List= is not a valid format"):
        parameters_of(config)


def test_every_parameter_of_the_template_is_passed(tmp_path: Path) -> None:
    config = CloudConfig(root=ROOT, state=tmp_path)
    assert read_template(ROOT / "template.yaml")["Parameters"].keys() <= read_by_sam(parameters_of(config)).keys()


def test_the_providers_are_read_from_the_environment(tmp_path: Path) -> None:
    keys, options = '{"fal": {"key": "k"}}', '{"fal": {"model": "m"}}'
    variables = {
        "PROVIDER": "fal",
        "ALLOWED_PROVIDERS": "sketch,fal",
        "PROVIDER_OPTIONS": options,
        "PROVIDER_KEYS": keys,
    }
    config = CloudConfig.from_environment(variables, root=tmp_path)
    assert config.provider_keys == keys
    assert config.parameters == {"Provider": "fal", "AllowedProviders": "sketch,fal", "ProviderOptions": options}
    assert CloudConfig.from_environment({}, root=tmp_path).provider_keys == "{}"


def test_settings_are_read_from_the_environment(tmp_path: Path) -> None:
    config = CloudConfig.from_environment({"UNKNOWN_SUBMIT": "resubmit"}, root=tmp_path)
    assert config.settings == {"UnknownSubmit": "resubmit"}
    assert config.parameters == {}


@pytest.mark.parametrize("names", [{"PROVIDER": "simulated"}, {"ALLOWED_PROVIDERS": "sketch,simulated"}])
def test_variables_of_the_simulated_provider_replace_the_constants_of_the_worker(names: dict[str, str]) -> None:
    variables = {"SIMULATED_MIN_SECONDS": "0", "SIMULATED_MAX_SECONDS": "2.5", "SIMULATED_FAILURE_RATE": "1"}
    config = CloudConfig.from_environment(variables | names)
    adapted = adapt(read_template(ROOT / "template.yaml"), ENDPOINT, config.settings)

    deployed = adapted["Resources"]["WorkerFunction"]["Properties"]["Environment"]["Variables"]
    assert {name: deployed[name] for name in variables} == variables
    assert CloudConfig.from_environment(dict.fromkeys(variables, "")).settings == {}


@pytest.mark.parametrize(
    ("variable", "value", "maximum"),
    [
        ("SIMULATED_FAILURE_RATE", "1.1", "1"),
        ("SIMULATED_FAILURE_RATE", "-1", "1"),
        ("SIMULATED_FAILURE_RATE", "nan", "1"),
        ("SIMULATED_FAILURE_RATE", "50%", "1"),
        ("SIMULATED_MIN_SECONDS", "3601", "3600"),
        ("SIMULATED_MAX_SECONDS", "inf", "3600"),
    ],
)
def test_a_variable_of_the_simulated_provider_must_be_a_number_in_its_range(
    variable: str, value: str, maximum: str
) -> None:
    with pytest.raises(LocalCloudError, match=f"^{variable} is not a number from 0 to {maximum}, such as 0.5.$"):
        CloudConfig.from_environment({"PROVIDER": "simulated", variable: value})


def test_a_variable_of_the_simulated_provider_requires_this_provider() -> None:
    with pytest.raises(LocalCloudError, match=r"^SIMULATED_FAILURE_RATE has no effect .* Set PROVIDER=simulated"):
        CloudConfig.from_environment({"SIMULATED_FAILURE_RATE": "1", "FALLBACK_PROVIDERS": "sketch"})


def read_by_sam(parameters: dict[str, str]) -> dict[str, Any]:
    """Parse a command line as `sam deploy` does, and return the parameters that it would send."""
    from samcli.commands.deploy.command import cli

    small = ROOT / "infrastructure" / "account.yaml"  # sam reads the template twice for each command line
    arguments = ["--template-file", str(small), "--stack-name", "s"]
    context = cli.make_context("deploy", [*arguments, *override_parameters(parameters), "--region", "us-east-1"])
    read: dict[str, Any] = context.params["parameter_overrides"]
    return read


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "a b",
        "a,b",
        "a=b c=d",
        "it's",
        "'quoted'",
        '"quoted"',
        r"back\slash",
        '{"veo": {"project": "a b", "seconds": [4, 8]}}',
        r'{"veo": {"project": "\u00e9\n"}}',
        "https://a.example/hook?a=1&b=%2C,https://b.example",
    ],
)
def test_sam_reads_a_value_unchanged(value: str) -> None:
    parameters = {"Environment": "local", "Value": value, "Last": "1"}

    assert read_by_sam(parameters) == parameters


@pytest.mark.parametrize("value", [r'{"a": "\"b\""}', "ends with \\", r"a\ b"])
def test_a_value_that_sam_cannot_read_is_refused(value: str) -> None:
    with pytest.raises(LocalCloudError, match=r"sam cannot read .*Value"):
        override_parameters({"Environment": "local", "Value": value})


def test_sam_receives_no_credentials_of_a_real_account(config: CloudConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")

    environment = tool_environment(config, "http://127.0.0.1:1")

    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


def test_the_signing_key_is_created_once(config: CloudConfig) -> None:
    first = read_jwt_secret(config)

    assert len(bytes.fromhex(first)) == 32
    assert read_jwt_secret(config) == first


def test_a_truncated_signing_key_is_created_again(config: CloudConfig) -> None:
    first = read_jwt_secret(config)
    (config.state / "jwt-secret").write_text(first[:10])

    assert len(read_jwt_secret(config)) == 64


def a_build(tmp_path: Path, content: str) -> CloudConfig:
    """Return the configuration of a checkout whose build has a layer, and a nested stack with an included file."""
    build = tmp_path / ".aws-sam" / "build"
    (build / "Layer" / "python").mkdir(parents=True, exist_ok=True)
    (build / "Layer" / "python" / "module.py").write_text(content)
    (build / "Nested").mkdir(exist_ok=True)
    layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "Layer"}}
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "Nested/template.yaml"}}
    include = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "../../../body.yaml"}}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": [include]}}
    (build / "template.yaml").write_text(json.dumps({"Resources": {"Layer": layer, "Nested": nested}}))
    (build / "Nested" / "template.yaml").write_text(json.dumps({"Resources": {"Topic": topic}}))
    return CloudConfig(root=tmp_path, state=tmp_path / ".local")


def written(config: CloudConfig) -> tuple[Path, dict[str, Any]]:
    """Return the path of the copy of the root template, and its resources."""
    path = write_templates(config, ENDPOINT)
    resources: dict[str, Any] = json.loads(path.read_text())["Resources"]
    return path, resources


def test_the_template_refers_to_the_archive_of_the_build(tmp_path: Path) -> None:
    _, resources = written(a_build(tmp_path, "a = 1\n"))

    archive = resources["Layer"]["Properties"]["ContentUri"]
    assert zipfile.ZipFile(archive).read("python/module.py") == b"a = 1\n"


def test_a_nested_stack_refers_to_a_copy_with_absolute_paths(tmp_path: Path) -> None:
    _, resources = written(a_build(tmp_path, ""))

    nested = json.loads(Path(resources["Nested"]["Properties"]["TemplateURL"]).read_text())
    [body] = nested["Resources"]["Topic"]["Properties"]["DisplayName"]
    assert body["Fn::Transform"]["Parameters"]["Location"] == str(tmp_path / "body.yaml")


def test_the_same_content_makes_the_same_archive(tmp_path: Path) -> None:
    first = written(a_build(tmp_path / "a", "a = 1\n"))[0].parent / "archives"
    second = written(a_build(tmp_path / "b", "a = 1\n"))[0].parent / "archives"

    assert [(path.name, path.read_bytes()) for path in first.iterdir()] == [
        (path.name, path.read_bytes()) for path in second.iterdir()
    ]


def test_archives_of_earlier_builds_are_removed(tmp_path: Path) -> None:
    written(a_build(tmp_path, "a = 1\n"))
    path, _ = written(a_build(tmp_path, "a = 2\n"))

    [archive] = (path.parent / "archives").iterdir()
    assert zipfile.ZipFile(archive).read("python/module.py") == b"a = 2\n"
