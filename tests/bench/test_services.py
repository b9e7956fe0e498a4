"""Environment of the measured functions: it is the one that the template declares."""

import pytest

from bench.services import declared_variables
from videojobs.settings import ApiSettings, GenerateSettings, StatusSettings

KNOWN = {
    "MongoSecretArn": "arn:mongo",
    "JwtSecretArn": "arn:jwt",
    "JobsQueue": "http://127.0.0.1:1/queue",
    "HighJobsQueue": "http://127.0.0.1:1/queue",
    "EventsQueue": "http://127.0.0.1:1/queue",
}


@pytest.mark.parametrize("settings", [GenerateSettings, StatusSettings])
def test_environment_contains_all_settings_of_both_functions(settings: type[ApiSettings]) -> None:
    parsed = settings({"AWS_REGION": "us-east-1", **declared_variables(KNOWN)})
    assert parsed.jwt_secret_arn == "arn:jwt"


def test_missing_resource_raises_key_error() -> None:
    with pytest.raises(KeyError, match="EventsQueue"):
        declared_variables({name: value for name, value in KNOWN.items() if name != "EventsQueue"})
