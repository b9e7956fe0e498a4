"""Behaviour specific to Veo: Google's sign-in, rejections in successful responses, videos without a bucket."""

from collections.abc import Iterator, Mapping
from copy import replace
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.providers.counterparts.server import Fate, Reply
from tests.providers.counterparts.veo import VeoCounterpart, private_key
from tests.providers.lifecycle import TOKEN, error_of, fetched, polled_until_done
from tests.servers import free_port
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs_providers.rest.setup import ProviderSetup, Timeouts
from videojobs_providers.veo import VeoProvider


@pytest.fixture
def counterpart() -> Iterator[VeoCounterpart]:
    """Yield a counterpart of Vertex AI."""
    server = VeoCounterpart()
    yield server
    server.close()


def signed_in_as(counterpart: VeoCounterpart, *keys: Mapping[str, Any]) -> VeoProvider:
    """Return an adapter whose key is the first of `keys`, and after each refresh the next one."""
    left = list(keys)

    def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
        if refresh and len(left) > 1:
            left.pop(0)
        return left[0]

    at = {"baseUrl": counterpart.url, "storageUrl": counterpart.url, "project": "a-project"}
    return VeoProvider(ProviderSetup(read_key, at, timeouts=Timeouts(2)))


def test_token_of_a_service_account_is_cached(counterpart: VeoCounterpart) -> None:
    provider = signed_in_as(counterpart, {"serviceAccount": counterpart.account()})
    for _ in range(3):
        provider.submit(counterpart.request, token=TOKEN)
    [assertion] = counterpart.signed_in
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert claims["iss"] == "videos@a-project.iam.gserviceaccount.com"


def test_rejected_token_is_replaced_by_one_from_a_new_key(counterpart: VeoCounterpart) -> None:
    old, new = counterpart.account("old@x.test"), counterpart.account("new@x.test")
    provider = signed_in_as(counterpart, {"serviceAccount": old}, {"serviceAccount": new})
    counterpart.revoked = {"token-1"}
    provider.submit(counterpart.request, token=TOKEN)
    claims = [jwt.decode(assertion, options={"verify_signature": False}) for assertion in counterpart.signed_in]
    assert [claim["iss"] for claim in claims] == ["old@x.test", "new@x.test"]
    assert len(counterpart.tasks) == 1


def test_workload_identity_needs_no_service_account_key(counterpart: VeoCounterpart, tmp_path: Path) -> None:
    subject = tmp_path / "subject-token"
    subject.write_text("a-token-of-the-platform")
    federation = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{counterpart.url}/token",
        "credential_source": {"file": str(subject)},
    }
    seen: list[bytes] = []
    real = counterpart.route

    def route(method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Any:
        if path == "/token":
            seen.append(body)
            counterpart._issued.add("token-of-the-federation")
            token = {"access_token": "token-of-the-federation", "expires_in": 3600, "token_type": "Bearer"}
            return Reply(200, {**token, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})
        return real(method, path, query, headers, body)

    counterpart.route = route  # type: ignore[method-assign]
    provider = signed_in_as(counterpart, {"workloadIdentity": federation})
    assert provider.submit(counterpart.request, token=TOKEN).ref
    assert b"a-token-of-the-platform" in seen[0]


@pytest.mark.parametrize(
    "key", [{}, {"serviceAccount": "text"}, {"serviceAccount": {"type": "service_account"}}, {"workloadIdentity": {}}]
)
def test_malformed_key_is_reported_as_not_configured(counterpart: VeoCounterpart, key: Mapping[str, Any]) -> None:
    with pytest.raises(ProviderError) as refused:
        signed_in_as(counterpart, key).submit(counterpart.request, token=TOKEN)
    assert (refused.value.transient, "not configured" in refused.value.message) == (False, True)
    assert private_key() not in str(refused.value)


def test_outage_of_the_token_endpoint_is_ambiguous(counterpart: VeoCounterpart) -> None:
    nowhere = {**counterpart.account(), "token_uri": f"http://127.0.0.1:{free_port()}/token"}
    with pytest.raises(ProviderUnreachable):
        signed_in_as(counterpart, {"serviceAccount": nowhere}).submit(counterpart.request, token=TOKEN)


def test_video_is_in_the_response_without_a_bucket(counterpart: VeoCounterpart, tmp_path: Path) -> None:
    provider = signed_in_as(counterpart, {"serviceAccount": counterpart.account()})
    ref = provider.submit(counterpart.request, token=TOKEN).ref
    assert polled_until_done(provider, ref)
    assert fetched(provider, ref, tmp_path) == counterpart.video


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (3, FailureCode.INVALID_REQUEST),
        (4, FailureCode.TIMEOUT),
        (8, FailureCode.RATE_LIMITED),
        (13, FailureCode.PROVIDER_ERROR),
    ],
)
def test_an_operation_fails_for_the_reason_of_its_code(
    counterpart: VeoCounterpart, code: int, reason: FailureCode
) -> None:
    counterpart.fate, counterpart.code = Fate.FAILS, code
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is reason


def test_a_success_without_a_video_and_without_a_reason_is_a_failure(counterpart: VeoCounterpart) -> None:
    counterpart._outcome = lambda *_: {"response": {"videos": []}}  # type: ignore[method-assign]
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is FailureCode.PROVIDER_ERROR


def test_every_clip_is_requested_in_seconds_and_ratio(counterpart: VeoCounterpart) -> None:
    provider = counterpart.provider(counterpart.url)
    requested = set()
    for clip in provider.capabilities.clips or ():
        ref = provider.submit(replace(counterpart.request, clip=clip), token=TOKEN).ref
        parameters = counterpart.tasks[ref.rpartition("/")[2]].body["parameters"]
        requested.add((parameters["aspectRatio"], parameters["durationSeconds"]))
        assert (parameters["resolution"], parameters["generateAudio"]) == (clip.resolution, clip.has_sound)
        assert not {"seed", "negativePrompt"} & parameters.keys()
    assert requested == {(ratio, seconds) for ratio in ("16:9", "9:16") for seconds in (4, 6, 8)}


def test_seed_and_negative_prompt_are_parameters(counterpart: VeoCounterpart) -> None:
    provider = counterpart.provider(counterpart.url)
    ref = provider.submit(replace(counterpart.request, seed=7, negative_prompt="rain"), token=TOKEN).ref
    parameters = counterpart.tasks[ref.rpartition("/")[2]].body["parameters"]
    assert (parameters["seed"], parameters["negativePrompt"]) == (7, "rain")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": ""}, "project must be a non-empty string"),
        ({"outputUri": "s3://bucket"}, "must be of the form gs://"),
        ({"region": "x"}, "region is unknown"),
    ],
)
def test_invalid_options_are_named(counterpart: VeoCounterpart, options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        counterpart.provider(counterpart.url, **options)
