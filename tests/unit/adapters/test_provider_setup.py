"""Setup of providers: options and keys are validated and separated by provider."""

import logging

import pytest

from videojobs.adapters.offers.options import read_options
from videojobs.domain.errors import ProviderError
from videojobs_providers.rest.setup import ProviderKeys, ProviderSetup

SECRET = '{"fal": {"key": "the-key"}, "veo": "no object"}'


def keys(secret: str | None, name: str = "fal") -> ProviderKeys:
    """Return the keys of one provider from the secret."""

    def read(*, refresh: bool = False) -> str:
        assert secret is not None
        return secret.replace("the-key", "the-new-key") if refresh else secret

    return ProviderKeys(name, None if secret is None else read)


def test_a_provider_reads_its_own_part_of_the_secret_and_can_refresh_it() -> None:
    assert keys(SECRET).read() == {"key": "the-key"}
    assert keys(SECRET).read(refresh=True) == {"key": "the-new-key"}


@pytest.mark.parametrize(
    ("secret", "name", "reason"),
    [
        (None, "fal", "ProviderSecretArn is not set"),
        ("the-key", "fal", "the secret is not valid JSON"),
        ('["the-key"]', "fal", "the secret has no object for this provider"),
        (SECRET, "luma", "the secret has no object for this provider"),
        (SECRET, "veo", "the secret has no object for this provider"),
    ],
)
def test_an_invalid_secret_is_logged_without_its_content(
    secret: str | None, name: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ProviderError) as refused:
        keys(secret, name).read()
    assert not refused.value.transient
    [record] = caplog.records
    assert (record.levelno, record.__dict__["reason"]) == (logging.ERROR, reason)
    assert "the-key" not in f"{record.__dict__} {refused.value}"


@pytest.mark.parametrize(
    ("text", "options"), [("{}", {}), ('{"fal": {"model": "m"}}', {"model": "m"}), ('{"veo": {"project": "p"}}', {})]
)
def test_the_options_of_one_provider_are_returned(text: str, options: dict[str, str]) -> None:
    assert read_options(text, "fal") == options


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model=m", "is not valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"fal": "m"}', "its value for fal must be an object"),
    ],
)
def test_invalid_options_raise_value_error(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_options(text, "fal")


@pytest.mark.parametrize("value", [5, "", None])
def test_an_option_that_is_not_a_string_raises_value_error(value: object) -> None:
    with pytest.raises(ValueError, match="model must be a non-empty string"):
        ProviderSetup(keys(SECRET).read, {"model": value}).option("model", "a-default")
