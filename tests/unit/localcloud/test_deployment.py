"""What makes `up` deploy again, and what it hands to sam."""

import zipfile
from pathlib import Path

import pytest

from localcloud.aws import tool_environment
from localcloud.config import CloudConfig
from localcloud.deployment import _overrides, fingerprint, template_parameters
from localcloud.local_secrets import SecretArns, read_jwt_secret
from localcloud.packaging import zip_artifacts


@pytest.fixture
def config(tmp_path: Path) -> CloudConfig:
    (tmp_path / "functions" / "status").mkdir(parents=True)
    (tmp_path / "functions" / "status" / "app.py").write_text("handler = None\n")
    (tmp_path / "layers").mkdir()
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    (tmp_path / "samconfig.toml").write_text(
        '[local.deploy.parameters]\nparameter_overrides = "Environment=local A=1"\n'
    )
    return CloudConfig(root=tmp_path, state=tmp_path / ".local")


def test_the_same_inputs_have_the_same_fingerprint(config: CloudConfig) -> None:
    assert fingerprint(config, {"A": "1", "B": "2"}) == fingerprint(config, {"B": "2", "A": "1"})


def test_a_change_in_a_function_is_seen(config: CloudConfig) -> None:
    before = fingerprint(config, {})
    (config.root / "functions" / "status" / "app.py").write_text("handler = 1\n")

    assert fingerprint(config, {}) != before


def test_a_file_that_moves_is_seen(config: CloudConfig) -> None:
    before = fingerprint(config, {})
    (config.root / "functions" / "status" / "app.py").rename(config.root / "functions" / "app.py")

    assert fingerprint(config, {}) != before


def test_a_change_of_a_parameter_is_seen(config: CloudConfig) -> None:
    assert fingerprint(config, {"A": "1"}) != fingerprint(config, {"A": "2"})


def test_bytecode_that_python_leaves_behind_is_not_a_change(config: CloudConfig) -> None:
    before = fingerprint(config, {})
    cache = config.root / "functions" / "status" / "__pycache__"
    cache.mkdir()
    (cache / "app.cpython-313.pyc").write_bytes(b"\0")

    assert fingerprint(config, {}) == before


def test_parameters_are_those_of_samconfig_and_those_known_only_now(config: CloudConfig) -> None:
    arns = SecretArns(mongo="arn:m", jwt="arn:j", webhook="arn:w", provider="arn:p")
    parameters = template_parameters(config, "http://127.0.0.1:1", "http://127.0.0.1:2/", arns)

    assert parameters.pop("Architecture") in {"arm64", "x86_64"}
    assert parameters == {
        "Environment": "local",
        "A": "1",
        "AwsEndpointUrl": "http://127.0.0.1:1",
        "AllowedOrigins": "http://127.0.0.1:2",
        "MongoSecretArn": "arn:m",
        "JwtSecretArn": "arn:j",
        "WebhookSecretArn": "arn:w",
        "ProviderSecretArn": "arn:p",
    }


def test_who_makes_the_videos_is_named_in_the_environment(tmp_path: Path) -> None:
    keys, options = '{"fal": {"key": "k"}}', '{"fal": {"model": "m"}}'
    named = {"PROVIDER": "fal", "ALLOWED_PROVIDERS": "sketch,fal", "PROVIDER_OPTIONS": options, "PROVIDER_KEYS": keys}
    told = CloudConfig.from_environment(named, root=tmp_path)
    assert told.provider_keys == keys
    assert told.parameters == {"Provider": "fal", "AllowedProviders": "sketch,fal", "ProviderOptions": options}
    assert CloudConfig.from_environment({}, root=tmp_path).provider_keys == "{}"


def test_sam_reads_a_parameter_of_json_as_it_is() -> None:
    from samcli.cli.types import CfnParameterOverridesType

    parameters = {"Environment": "local", "ProviderOptions": '{"veo": {"project": "a b", "seconds": [4, 8]}}'}
    _, *overrides = _overrides(parameters)
    assert CfnParameterOverridesType().convert(tuple(overrides), None, None) == parameters


def test_sam_sees_nothing_of_a_real_account(config: CloudConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")

    environment = tool_environment(config, "http://127.0.0.1:1")

    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


def test_the_key_of_the_cookie_is_made_once(config: CloudConfig) -> None:
    first = read_jwt_secret(config)

    assert len(bytes.fromhex(first)) == 32
    assert read_jwt_secret(config) == first


def test_a_key_that_was_half_written_is_made_anew(config: CloudConfig) -> None:
    first = read_jwt_secret(config)
    (config.state / "jwt-secret").write_text(first[:10])

    assert len(read_jwt_secret(config)) == 64


def a_build(tmp_path: Path, content: str) -> Path:
    build = tmp_path / ".aws-sam" / "build"
    (build / "Layer" / "python").mkdir(parents=True, exist_ok=True)
    (build / "Layer" / "python" / "module.py").write_text(content)
    (build / "template.yaml").write_text("Resources:\n  Layer:\n    Properties:\n      ContentUri: Layer\n")
    return build


def test_the_template_names_the_archive_of_what_was_built(tmp_path: Path) -> None:
    template = zip_artifacts(a_build(tmp_path, "a = 1\n"))

    archive = Path(template.read_text().split("ContentUri: ")[1].strip())
    assert zipfile.ZipFile(archive).read("python/module.py") == b"a = 1\n"


def test_the_same_content_makes_the_same_archive(tmp_path: Path) -> None:
    first = zip_artifacts(a_build(tmp_path / "a", "a = 1\n")).parent / "archives"
    second = zip_artifacts(a_build(tmp_path / "b", "a = 1\n")).parent / "archives"

    assert [(path.name, path.read_bytes()) for path in first.iterdir()] == [
        (path.name, path.read_bytes()) for path in second.iterdir()
    ]


def test_archives_of_what_is_built_no_more_are_removed(tmp_path: Path) -> None:
    zip_artifacts(a_build(tmp_path, "a = 1\n"))
    template = zip_artifacts(a_build(tmp_path, "a = 2\n"))

    [archive] = (template.parent / "archives").iterdir()
    assert zipfile.ZipFile(archive).read("python/module.py") == b"a = 2\n"
