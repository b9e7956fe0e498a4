"""Settings: read completely or not at all; errors name the variable without its value."""

import pytest

from videojobs.settings import ApiSettings, QueueSettings, Settings, SettingsError, StoreSettings

REQUIRED = {"MONGODB_SECRET_ARN": "arn:mongo", "JWT_SECRET_ARN": "arn:jwt"}


def test_an_unset_variable_has_its_default() -> None:
    settings = ApiSettings(REQUIRED)
    assert (settings.cookie_name, settings.allowed_origins, settings.jwt_leeway_seconds) == ("token", (), 0)
    assert settings.mongodb_secret_arn == "arn:mongo"


def test_each_type_of_value_is_read() -> None:
    variables = {"ALLOWED_ORIGINS": "https://a.example, https://b.example,", "JWT_LEEWAY_SECONDS": "2.5"}
    settings = ApiSettings(REQUIRED | variables)
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert settings.jwt_leeway_seconds == 2.5
    store = StoreSettings(REQUIRED | {"VIDEOS_BUCKET": "videos", "PRESIGNED_URL_SECONDS": "60"})
    assert store.presigned_url_seconds == 60
    assert isinstance(store.presigned_url_seconds, int)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_SECRET_ARN", "arn:from-the-environment")
    assert Settings.from_environment().mongodb_secret_arn == "arn:from-the-environment"


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("COOKIE_NAME", "", "is empty"),
        ("JWT_SECRET_ARN", "", "is empty"),
        ("JWT_LEEWAY_SECONDS", "", "is empty"),
        ("JWT_LEEWAY_SECONDS", "soon", "is not a number"),
        ("JWT_LEEWAY_SECONDS", "-1", "is not from 0 to 300"),
        ("JWT_LEEWAY_SECONDS", "nan", "is not from 0 to 300"),
        ("JWT_LEEWAY_SECONDS", "301", "is not from 0 to 300"),
    ],
)
def test_a_malformed_variable_is_reported_without_its_value(variable: str, value: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} {problem}$"):
        ApiSettings(REQUIRED | {variable: value})


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SettingsError, match="MONGODB_SECRET_ARN is missing; JOBS_QUEUE_URL is missing"):
        QueueSettings({})


def test_a_fraction_is_refused_where_an_integer_is_required() -> None:
    with pytest.raises(SettingsError, match="PRESIGNED_URL_SECONDS is not a number"):
        StoreSettings(REQUIRED | {"VIDEOS_BUCKET": "videos", "PRESIGNED_URL_SECONDS": "90.5"})


def test_settings_are_frozen() -> None:
    settings = Settings(REQUIRED)
    with pytest.raises(AttributeError, match="frozen"):
        settings.aws_region = "eu-west-1"
