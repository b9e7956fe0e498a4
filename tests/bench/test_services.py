"""What the bench tells the measured functions is what the template tells them."""

import pytest

from bench.services import declared_variables
from videojobs.settings import ApiSettings, GenerateSettings, StatusSettings

KNOWN = {
    "AwsEndpointUrl": "http://127.0.0.1:1",
    "MongoSecretArn": "arn:mongo",
    "JwtSecretArn": "arn:jwt",
    "JobsQueue": "http://127.0.0.1:1/queue",
    "HighJobsQueue": "http://127.0.0.1:1/queue",
    "EventsQueue": "http://127.0.0.1:1/queue",
}


@pytest.mark.parametrize("settings", [GenerateSettings, StatusSettings])
def test_both_functions_find_all_that_they_need(settings: type[ApiSettings]) -> None:
    told = settings({"AWS_REGION": "us-east-1", **declared_variables(KNOWN)})
    assert told.jwt_secret_arn == "arn:jwt"


def test_what_nobody_has_named_is_told_at_once() -> None:
    with pytest.raises(KeyError, match="EventsQueue"):
        declared_variables({name: value for name, value in KNOWN.items() if name != "EventsQueue"})
