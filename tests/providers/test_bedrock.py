"""Behaviour specific to Bedrock: requests that match the service model, tokens, model lifecycle, failures and S3."""

import logging
from collections.abc import Iterator
from copy import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.stub import ANY, Stubber

from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.bedrock import BUCKET, MODEL, MODEL_ARN, REGION, BedrockCounterpart, boto3_session
from tests.providers.counterparts.server import Fate
from tests.providers.http_wire import Fault, Wire
from tests.providers.lifecycle import TOKEN, error_of, fetched, polled_until_done, submitted
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.job import JobId
from videojobs.domain.plan import Clip
from videojobs.domain.request import AspectRatio
from videojobs.ports.videos import GenerationRequest, UnknownSubmit
from videojobs_providers.bedrock import BedrockProvider
from videojobs_providers.rest.setup import ProviderSetup

ARN = f"arn:aws:bedrock:{REGION}:123456789012:async-invoke/abcdef123456"
AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
OUTPUT = {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/bedrock"}}
REQUEST = GenerationRequest(JobId("65a0000000000000000000aa"), "A cat on a surfboard", Clip(720, 1280, 9))
START = {
    "clientRequestToken": TOKEN,
    "modelId": MODEL,
    "modelInput": {
        "prompt": REQUEST.prompt,
        "aspect_ratio": "9:16",
        "duration": "9s",
        "resolution": "720p",
        "loop": False,
    },
    "outputDataConfig": OUTPUT,
}
REFUSALS = [
    (("ThrottlingException", 429, "Too many requests."), FailureCode.RATE_LIMITED, True),
    (("ServiceQuotaExceededException", 400, "Your quota is used up."), FailureCode.QUOTA_EXHAUSTED, False),
    (("ValidationException", 400, "Malformed input request."), FailureCode.INVALID_REQUEST, False),
    (("ValidationException", 400, "This was blocked by our content filters."), FailureCode.CONTENT_REJECTED, False),
    (("AccessDeniedException", 403, "You don't have access to the model."), FailureCode.PROVIDER_ERROR, False),
    (("ExpiredTokenException", 403, "The token has expired."), FailureCode.PROVIDER_ERROR, False),
    (("ModelNotReadyException", 429, "Not now."), FailureCode.RATE_LIMITED, True),
    (("SerializationException", 400, "The body is malformed."), FailureCode.INVALID_REQUEST, False),
    (("ResourceNotFoundException", 404, "The model has reached its end of life."), FailureCode.PROVIDER_ERROR, False),
]
UNKNOWN = [("InternalServerException", 500), ("ServiceUnavailableException", 503), ("ModelTimeoutException", 408)]


@pytest.fixture
def stubbed() -> BedrockProvider:
    """Return the adapter. A test stubs each client before a call uses it."""
    return _adapter()


@pytest.fixture
def bedrock() -> Iterator[BedrockCounterpart]:
    """Yield a counterpart of Bedrock and S3."""
    server = BedrockCounterpart()
    yield server
    server.close()


@pytest.fixture
def provider(bedrock: BedrockCounterpart) -> BedrockProvider:
    """Return the adapter, which calls the counterpart."""
    return bedrock.provider(bedrock.url, call_seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "outputUri"),
        ({"outputUri": "https://bucket/prefix"}, "outputUri"),
        ({"outputUri": "s3://"}, "outputUri"),
        ({"outputUri": "s3://bucket", "modelId": "amazon.nova-reel-v1:1"}, "nova-reel"),
        ({"outputUri": "s3://bucket", "model": MODEL}, "modelId"),
        ({"outputUri": "s3://bucket", "region": ""}, "region"),
    ],
)
def test_invalid_options_are_rejected_with_a_message(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BedrockProvider(ProviderSetup(_no_key, options))


def test_all_calls_match_the_service_model(stubbed: BedrockProvider) -> None:
    with (
        _stub(stubbed._control, "get_foundation_model", {"modelIdentifier": MODEL}, _model(status="ACTIVE")),
        _stub(stubbed._starter, "start_async_invoke", START, {"invocationArn": ARN}),
    ):
        assert stubbed.submit(REQUEST, token=TOKEN).ref == ARN
    with _stub(stubbed._runtime, "get_async_invoke", {"invocationArn": ARN}, _invocation("InProgress")):
        assert not stubbed.poll(ARN).done
    with _stub(stubbed._runtime, "get_async_invoke", {"invocationArn": ARN}, _invocation("Completed")):
        assert stubbed.poll(ARN).done
    there = {"KeyCount": 1, "Contents": [{"Key": "bedrock/abcdef123456/output.mp4"}]}
    listed = {"Bucket": BUCKET, "Prefix": "bedrock/abcdef123456/"}
    with (
        _stub(stubbed._runtime, "get_async_invoke", {"invocationArn": ARN}, _invocation("Completed")),
        _stub(stubbed._s3, "list_objects_v2", listed, there),
    ):
        url = urlsplit(stubbed._locate(ARN).url)
    assert url.hostname == f"{BUCKET}.s3.{REGION}.amazonaws.com"
    assert url.path == "/bedrock/abcdef123456/output.mp4"


def test_every_clip_is_requested_with_the_models_parameters(
    bedrock: BedrockCounterpart, provider: BedrockProvider
) -> None:
    for number, clip in enumerate(provider.capabilities.clips or ()):
        provider.submit(replace(REQUEST, clip=clip), token=f"{TOKEN}:{number}")
    inputs = [task.body["modelInput"] for task in bedrock.tasks.values()]
    assert len(inputs) == 8
    assert {parameters["aspect_ratio"] for parameters in inputs} == set(AspectRatio)
    assert {parameters["duration"] for parameters in inputs} == {"5s", "9s"}


def test_repeated_token_returns_the_same_invocation(bedrock: BedrockCounterpart, provider: BedrockProvider) -> None:
    assert provider.capabilities.unknown_submit is UnknownSubmit.REPEAT
    first, second = provider.submit(REQUEST, token=TOKEN), provider.submit(REQUEST, token=TOKEN)
    another = provider.submit(REQUEST, token=f"{TOKEN}0")
    assert first == second != another
    assert len(bedrock.tasks) == 2


@pytest.mark.parametrize("token", ["a" * 257, "two words", "café", ""])
def test_token_that_bedrock_does_not_accept_is_hashed(
    bedrock: BedrockCounterpart, provider: BedrockProvider, token: str
) -> None:
    first, second = provider.submit(REQUEST, token=token), provider.submit(REQUEST, token=token)
    [task] = bedrock.tasks.values()
    assert first == second == provider.find(token=token)
    assert len(task.body["clientRequestToken"]) == 64


def test_submit_is_found_by_its_token(bedrock: BedrockCounterpart, provider: BedrockProvider) -> None:
    submission = provider.submit(REQUEST, token=TOKEN)
    assert provider.find(token=TOKEN) == submission
    assert provider.find(token=f"{TOKEN}0") is None


def test_submit_is_found_on_a_later_page(stubbed: BedrockProvider) -> None:
    query = {"sortBy": "SubmissionTime", "sortOrder": "Descending", "maxResults": 1000}
    first = {"nextToken": "more", "asyncInvokeSummaries": [_summary("another")]}
    with Stubber(stubbed._runtime) as stub:
        stub.add_response("list_async_invokes", first, query)
        stub.add_response(
            "list_async_invokes", {"asyncInvokeSummaries": [_summary(TOKEN)]}, {**query, "nextToken": ANY}
        )
        submission = stubbed.find(token=TOKEN)
        stub.assert_no_pending_responses()
    assert submission
    assert submission.ref == ARN


def test_token_in_use_returns_the_existing_invocation(bedrock: BedrockCounterpart, provider: BedrockProvider) -> None:
    first = provider.submit(REQUEST, token=TOKEN)
    assert provider.submit(replace(REQUEST, prompt="Another cat"), token=TOKEN) == first
    assert len(bedrock.tasks) == 1


def test_token_conflict_without_an_invocation_is_ambiguous(stubbed: BedrockProvider) -> None:
    stubbed._is_checked = True
    in_use, nothing = _refusing(stubbed, "start_async_invoke", "ConflictException", 400), Stubber(stubbed._runtime)
    nothing.add_response("list_async_invokes", {"asyncInvokeSummaries": []})
    with in_use, nothing, pytest.raises(ProviderUnreachable):
        stubbed.submit(REQUEST, token=TOKEN)


@pytest.mark.parametrize(("refusal", "reason", "transient"), REFUSALS)
def test_rejected_submit_reports_its_reason(
    stubbed: BedrockProvider, refusal: tuple[str, int, str], reason: FailureCode, transient: bool
) -> None:
    stubbed._is_checked = True
    code, status, message = refusal
    with _refusing(stubbed, "start_async_invoke", code, status, message), pytest.raises(ProviderError) as refused:
        stubbed.submit(REQUEST, token=TOKEN)
    assert not isinstance(refused.value, ProviderUnreachable)
    assert (refused.value.reason, refused.value.transient) == (reason, transient)
    assert message not in refused.value.message


@pytest.mark.parametrize(("code", "status"), UNKNOWN)
def test_outage_during_a_submit_is_ambiguous(stubbed: BedrockProvider, code: str, status: int) -> None:
    stubbed._is_checked = True
    with _refusing(stubbed, "start_async_invoke", code, status), pytest.raises(ProviderUnreachable):
        stubbed.submit(REQUEST, token=TOKEN)


@pytest.mark.parametrize(
    ("code", "status"),
    [*UNKNOWN, ("ThrottlingException", 429), ("AccessDeniedException", 403), ("ValidationException", 400)],
)
def test_rejected_poll_does_not_fail_the_task(stubbed: BedrockProvider, code: str, status: int) -> None:
    with _refusing(stubbed, "get_async_invoke", code, status), pytest.raises(ProviderUnreachable):
        stubbed.poll(ARN)


def test_missing_invocation_is_reported_as_lost(provider: BedrockProvider) -> None:
    with pytest.raises(ProviderError) as lost:
        provider.poll(ARN)
    assert lost.value.reason is FailureCode.RESULT_LOST


@pytest.mark.parametrize(
    ("message", "reason", "transient"),
    [
        ("The generated video has been blocked by our content filters.", FailureCode.CONTENT_REJECTED, False),
        ("Prompt failed moderation", FailureCode.CONTENT_REJECTED, False),
        ("Service quota exceeded for the account", FailureCode.QUOTA_EXHAUSTED, False),
        ("Throttled by the model's provider", FailureCode.RATE_LIMITED, True),
        ("Invalid aspect ratio", FailureCode.INVALID_REQUEST, False),
        ("Something went wrong", FailureCode.PROVIDER_ERROR, True),
        (None, FailureCode.PROVIDER_ERROR, True),
    ],
)
def test_failure_messages_map_to_reasons(
    bedrock: BedrockCounterpart, provider: BedrockProvider, message: str | None, reason: FailureCode, transient: bool
) -> None:
    bedrock.fate, bedrock.failure_message = Fate.FAILS, message
    error = error_of(provider, bedrock)
    assert (error.reason, error.transient) == (reason, transient)


def test_model_lifecycle_is_queried_once(bedrock: BedrockCounterpart, provider: BedrockProvider) -> None:
    for number in range(3):
        provider.submit(REQUEST, token=f"{TOKEN}:{number}")
    assert bedrock.model_questions == 1


def test_model_near_its_end_of_life_is_used_and_logged(
    bedrock: BedrockCounterpart, provider: BedrockProvider, caplog: pytest.LogCaptureFixture
) -> None:
    ends = datetime.now(UTC) + timedelta(days=90)
    bedrock.lifecycle = {"status": "LEGACY", "endOfLifeTime": ends.isoformat()}
    assert provider.submit(REQUEST, token=TOKEN).ref
    assert _warned(caplog) == ["model_legacy"]


def test_model_past_its_end_of_life_is_a_permanent_error(
    bedrock: BedrockCounterpart, provider: BedrockProvider
) -> None:
    bedrock.lifecycle = {"status": "LEGACY", "endOfLifeTime": "2026-09-30T00:00:00Z"}
    for _ in range(2):
        with pytest.raises(ProviderError, match="no longer offers") as gone:
            provider.submit(REQUEST, token=TOKEN)
        assert not gone.value.transient
    assert not bedrock.tasks


def test_unknown_model_is_rejected(bedrock: BedrockCounterpart) -> None:
    provider = bedrock.provider(bedrock.url, call_seconds=PATIENCE_SECONDS, modelId="luma.ray-v9:0")
    with pytest.raises(ProviderError, match="no longer offers"):
        provider.submit(REQUEST, token=TOKEN)


def test_role_without_access_to_the_lifecycle_can_submit(
    bedrock: BedrockCounterpart, provider: BedrockProvider, caplog: pytest.LogCaptureFixture
) -> None:
    bedrock.lifecycle = None
    for number in range(2):
        assert provider.submit(REQUEST, token=f"{TOKEN}:{number}").ref
    assert _warned(caplog) == ["model_not_checked"]
    assert bedrock.model_questions == 1


def test_failed_lifecycle_check_does_not_stop_the_submit(
    bedrock: BedrockCounterpart, caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire(bedrock)
    wire.next("lifecycle", Fault.BROKEN)
    assert bedrock.provider(wire.url, call_seconds=PATIENCE_SECONDS).submit(REQUEST, token=TOKEN).ref
    wire.close()
    assert _warned(caplog) == ["model_not_checked"]


def test_missing_credentials_are_reported_to_operators(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    options = {"outputUri": "s3://bucket", "region": REGION, "endpointUrl": "http://127.0.0.1:9"}
    provider = BedrockProvider(ProviderSetup(_no_key, options))
    with pytest.raises(ProviderError, match="not configured") as refused:
        provider.submit(REQUEST, token=TOKEN)
    assert not refused.value.transient
    with pytest.raises(ProviderUnreachable):
        provider.poll(ARN)
    assert "provider_not_set_up" in [vars(record).get("action") for record in caplog.records]


def test_clients_do_not_retry_calls(stubbed: BedrockProvider) -> None:
    for client in (stubbed._starter, stubbed._runtime, stubbed._control, stubbed._s3):
        assert client.meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize("names_folder", [False, True])
def test_video_is_found_in_any_folder_that_the_response_names(
    bedrock: BedrockCounterpart, provider: BedrockProvider, tmp_path: Path, names_folder: bool
) -> None:
    bedrock.names_folder = names_folder
    ref, _ = submitted(provider, bedrock)
    polled_until_done(provider, ref)
    assert fetched(provider, ref, tmp_path) == bedrock.video


@pytest.mark.parametrize("region", ["us-west-2", "us-east-1", "eu-west-1", "cn-north-1"])
@pytest.mark.parametrize("bucket", [BUCKET, "with.dots"])
def test_url_names_the_bucket_and_an_allowed_host(region: str, bucket: str) -> None:
    adapter = _adapter(region)
    there = {"KeyCount": 1, "Contents": [{"Key": "abcdef123456/output.mp4"}]}
    at_root = {"s3OutputDataConfig": {"s3Uri": f"s3://{bucket}"}}
    response = _invocation("Completed") | {"outputDataConfig": at_root}
    with (
        _stub(adapter._runtime, "get_async_invoke", {"invocationArn": ARN}, response),
        _stub(adapter._s3, "list_objects_v2", {"Bucket": bucket, "Prefix": "abcdef123456/"}, there),
    ):
        host = urlsplit(adapter._locate(ARN).url).hostname or ""
    allowed = urlsplit(adapter._s3.meta.endpoint_url).hostname
    assert f".{host}".endswith(f".{allowed}")
    assert region in host or region == "us-east-1"


def _adapter(region: str = REGION) -> BedrockProvider:
    options = {"outputUri": f"s3://{BUCKET}/bedrock/"}
    return BedrockProvider(ProviderSetup(_no_key, options), boto3_session(region))


def _stub(client: Any, operation: str, parameters: dict[str, Any], response: dict[str, Any]) -> Stubber:
    stub = Stubber(client)
    stub.add_response(operation, response, parameters)
    return stub


def _refusing(adapter: BedrockProvider, operation: str, code: str, status: int, message: str = "") -> Stubber:
    stub = Stubber(adapter._starter if operation == "start_async_invoke" else adapter._runtime)
    stub.add_client_error(operation, code, message, http_status_code=status)
    return stub


def _model(**lifecycle: Any) -> dict[str, Any]:
    return {"modelDetails": {"modelArn": MODEL_ARN, "modelId": MODEL, "modelLifecycle": lifecycle}}


def _invocation(status: str) -> dict[str, Any]:
    return {
        "invocationArn": ARN,
        "modelArn": MODEL_ARN,
        "status": status,
        "submitTime": AT,
        "outputDataConfig": OUTPUT,
    }


def _summary(token: str) -> dict[str, Any]:
    return {
        "invocationArn": ARN,
        "modelArn": MODEL_ARN,
        "clientRequestToken": token,
        "submitTime": AT,
        "outputDataConfig": OUTPUT,
    }


def _warned(caplog: pytest.LogCaptureFixture) -> list[str | None]:
    return [vars(record).get("action") for record in caplog.records if record.levelno >= logging.WARNING]


def _no_key(*, refresh: bool = False) -> dict[str, Any]:
    raise AssertionError("Bedrock needs no key")
