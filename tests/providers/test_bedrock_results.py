"""Results of Bedrock in the deployment's own bucket are discarded; those in a bucket of the operator are not."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.bedrock import BUCKET, REGION, BedrockCounterpart, boto3_session
from tests.providers.counterparts.server import Fate
from tests.providers.lifecycle import polled_until_done, submitted
from tests.providers.test_bedrock import REQUEST
from videojobs.domain.errors import ProviderUnreachable
from videojobs_providers.bedrock import BedrockProvider
from videojobs_providers.rest.setup import ProviderSetup, Timeouts

OWN = f"s3://{BUCKET}/bedrock"


@pytest.fixture
def bedrock() -> Iterator[BedrockCounterpart]:
    """Yield Bedrock and S3."""
    counterpart = BedrockCounterpart()
    yield counterpart
    counterpart.close()


def provider_of(bedrock: BedrockCounterpart, **options: str) -> BedrockProvider:
    """Return the adapter of a deployment whose results are stored at `OWN`, unless an option says otherwise."""

    def read_no_key(*, refresh: bool = False) -> Mapping[str, Any]:
        raise AssertionError("Bedrock needs no key")

    setup = ProviderSetup(
        read_no_key,
        {"region": REGION, "endpointUrl": bedrock.url, **options},
        timeouts=Timeouts(PATIENCE_SECONDS),
        results_uri=OWN,
    )
    return BedrockProvider(setup, boto3_session())


def test_folder_of_a_finished_task_is_deleted(bedrock: BedrockCounterpart) -> None:
    provider = provider_of(bedrock)
    refs = [submitted(provider, bedrock)[0], provider.submit(REQUEST, token="another:1").ref]
    for ref in refs:
        polled_until_done(provider, ref)
    task = refs[0].rpartition("/")[2]
    assert [provider.discard(refs[0]) for _ in range(2)] == [True, True]
    assert bedrock.deleted == {f"bedrock/{task}/manifest.json", f"bedrock/{task}/output.mp4"}


def test_running_task_is_reported(bedrock: BedrockCounterpart) -> None:
    bedrock.fate = Fate.NEVER
    provider = provider_of(bedrock)
    ref, _ = submitted(provider, bedrock)
    assert not provider.discard(ref)


def test_unknown_invocation_has_no_result(bedrock: BedrockCounterpart) -> None:
    arn = f"arn:aws:bedrock:{REGION}:123456789012:async-invoke/abcdef123456"
    assert provider_of(bedrock).discard(arn)


def test_result_in_a_bucket_of_the_operator_is_kept(bedrock: BedrockCounterpart) -> None:
    provider = provider_of(bedrock, outputUri=f"s3://{BUCKET}/other")
    ref, _ = submitted(provider, bedrock)
    polled_until_done(provider, ref)
    assert provider.discard(ref)
    assert bedrock.deleted == set()


def test_outage_is_reported(bedrock: BedrockCounterpart) -> None:
    provider = provider_of(bedrock, endpointUrl="http://127.0.0.1:9")
    with pytest.raises(ProviderUnreachable):
        provider.discard(f"arn:aws:bedrock:{REGION}:123456789012:async-invoke/abcdef123456")
