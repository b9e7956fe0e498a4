"""Video provider that runs Luma's Ray by asynchronous invocations of Amazon Bedrock.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-luma.html. The AWS account pays, and the results
are written to a bucket of the account. The function's role is authorized, so there is no key.
"""

import logging
import re
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from videojobs.adapters.offers.bedrock import DURATIONS, PARAMETERS, POLL_SECONDS, read_offer
from videojobs.adapters.offers.parameters import RATIOS
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.ports.videos import (
    Generation,
    GenerationRequest,
    ReportProgress,
    Submission,
)
from videojobs_providers.bedrock_calls import (
    ModelGone,
    TokenInUse,
    call,
    find_reason,
    make_client,
    read_refusal,
    read_silence,
)
from videojobs_providers.rest.client import CONNECT_SECONDS
from videojobs_providers.rest.download import Source, download
from videojobs_providers.rest.failures import failure, unconfirmed
from videojobs_providers.rest.provider import read_ref, require_clip, settle_state
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState

if TYPE_CHECKING:
    import boto3

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "luma.ray-v2:0"
MODEL_FAMILY = "luma.ray-"
"""Part of the ID or ARN of each model that takes this input."""
URL_SECONDS = 900
MAXIMUM_LISTED = 5000
"""How many of the newest invocations `find` searches for a token."""

_URI = re.compile(r"s3://([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])(?:/(.*))?")
_TOKEN = re.compile(r"[!-~]{1,256}")  # both patterns are those of StartAsyncInvoke


class BedrockProvider:
    """Text to video by Luma's Ray 2. Options: `outputUri`, `region`, `modelId`, `endpointUrl`; no secret."""

    name = "bedrock"

    def __init__(self, setup: ProviderSetup, session: "boto3.Session | None" = None) -> None:
        """Read the options; nothing is requested.

        Args:
            setup: The settings of the provider.
            session: Credentials and region to use; None for those of the function.

        Raises:
            ValueError: If an option is unknown or malformed.
        """
        setup.only_options("outputUri", "region", "modelId", "endpointUrl")
        self._model = setup.option("modelId", DEFAULT_MODEL)
        if MODEL_FAMILY not in self._model:
            raise ValueError(f"ProviderOptions: modelId {self._model} of bedrock does not contain {MODEL_FAMILY}")
        self._output_uri = setup.option("outputUri", setup.results_uri or "-").rstrip("/")
        if not _URI.fullmatch(self._output_uri):
            raise ValueError("ProviderOptions: bedrock needs an outputUri of the form s3://bucket/prefix")
        self._is_own_bucket = self._output_uri == (setup.results_uri or "").rstrip("/")
        self._region = setup.option("region", "-") if "region" in setup.options else None
        self._endpoint_url = setup.option("endpointUrl", "-") if "endpointUrl" in setup.options else None
        self._timeouts, self._given_session = setup.timeouts, session
        self._is_checked = False
        self.capabilities = read_offer(setup.options)

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Start the invocation and return its ARN as the ref; idempotent by token.

        Raises:
            ProviderError: If Bedrock rejected the request, or no longer offers the model (`ModelGone`).
            ProviderUnreachable: If the invocation may or may not have started.
        """
        clip = require_clip(request)
        self._check_model()
        try:
            response = call(
                self._starter.start_async_invoke,
                read_refusal,
                clientRequestToken=_client_token(token),
                modelId=self._model,
                modelInput={
                    "prompt": request.prompt,
                    "aspect_ratio": RATIOS[clip.width, clip.height],
                    "duration": DURATIONS[clip.seconds],
                    "loop": False,
                    **PARAMETERS.of(request, clip),
                },
                outputDataConfig={"s3OutputDataConfig": {"s3Uri": self._output_uri}},
            )
        except TokenInUse:
            submission = self.find(token=token)
            if submission is None:
                raise ProviderUnreachable from None
            return submission
        return Submission(read_ref(response, "invocationArn"), POLL_SECONDS)

    def find(self, *, token: str) -> Submission | None:
        """Return the invocation with this token among the account's newest `MAXIMUM_LISTED`, or None."""
        pages = self._runtime.get_paginator("list_async_invokes").paginate(
            sortBy="SubmissionTime",
            sortOrder="Descending",
            PaginationConfig={"MaxItems": MAXIMUM_LISTED, "PageSize": 1000},
        )
        client_token = _client_token(token)

        def search() -> dict[str, Any]:
            summaries = (summary for page in pages for summary in page.get("asyncInvokeSummaries", ()))
            return next((summary for summary in summaries if summary.get("clientRequestToken") == client_token), {})

        invocation = call(search, read_silence)
        return Submission(read_ref(invocation, "invocationArn"), POLL_SECONDS) if invocation else None

    def poll(self, ref: str) -> Generation:
        """Return the invocation's state. Bedrock reports no progress and no cost.

        Raises:
            ProviderError: If the invocation failed or does not exist.
            ProviderUnreachable: If Bedrock does not respond.
        """
        response = self._invocation(ref)
        match settle_state(self.name, response["status"], response):
            case TaskState.RUNNING:
                return Generation(done=False, poll_after_seconds=POLL_SECONDS)
            case TaskState.DONE:
                return Generation(done=True, progress=1)
            case _:
                raise failure(find_reason(str(response.get("failureMessage", ""))) or FailureCode.PROVIDER_ERROR)

    def cancel(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Return False: Bedrock can't stop an invocation, which is completed and billed."""
        return False

    def discard(self, ref: str) -> bool:
        """Delete the invocation's folder, and return whether the invocation has ended or is unknown.

        If the results are in another bucket than the deployment's, delete nothing and return True.

        Raises:
            ProviderUnreachable: If Bedrock or S3 does not respond, or if an object could not be deleted.
        """
        if not self._is_own_bucket:
            return True
        try:
            status = self._invocation(ref)["status"]
        except ProviderUnreachable:
            raise
        except ProviderError:  # the invocation is not known any more
            status = "Failed"
        bucket, prefix = _folder(self._output_uri, ref)
        response = call(self._s3.list_objects_v2, read_silence, Bucket=bucket, Prefix=prefix)
        objects = [{"Key": entry["Key"]} for entry in response.get("Contents", ())]
        if objects:
            deletion = {"Objects": objects, "Quiet": True}
            if call(self._s3.delete_objects, read_silence, Bucket=bucket, Delete=deletion).get("Errors"):
                raise ProviderUnreachable
        return status in {"Completed", "Failed"}

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress, *, maximum_bytes: int) -> None:
        """Download the video from the bucket, with a presigned URL; see `download` for the errors."""
        host = urlsplit(self._s3.meta.endpoint_url).hostname
        download(
            lambda: self._locate(ref),
            path,
            allowed_hosts=(host, f".{host}"),
            on_progress=on_progress,
            maximum_bytes=maximum_bytes,
            call_seconds=self._timeouts.call_seconds,
        )

    def _locate(self, ref: str) -> Source:
        """Return a presigned URL of the invocation's video; raise `ProviderError` if there is no video."""
        match self._invocation(ref):
            case {"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": str(uri)}}}:
                bucket, prefix = _folder(uri, ref)
            case _:
                raise ProviderUnreachable
        response = call(self._s3.list_objects_v2, read_silence, Bucket=bucket, Prefix=prefix)
        if "KeyCount" not in response:
            raise ProviderUnreachable
        keys = [entry["Key"] for entry in response.get("Contents", ())]
        key = next((key for key in keys if key == f"{prefix}output.mp4"), None)
        if key is None:
            raise unconfirmed(FailureCode.RESULT_LOST)
        params = {"Bucket": bucket, "Key": key}
        return Source(self._s3.generate_presigned_url("get_object", Params=params, ExpiresIn=URL_SECONDS))

    def _invocation(self, ref: str) -> dict[str, Any]:
        """Return the invocation; raise `ProviderUnreachable` if the response is incomplete."""
        response = call(self._runtime.get_async_invoke, read_silence, invocationArn=ref)
        if "status" not in response or "outputDataConfig" not in response:
            raise ProviderUnreachable
        return response

    def _check_model(self) -> None:
        """Check once, before the first submit, whether the model is retired; log a warning if it will be.

        Raises:
            ModelGone: If the model does not exist in the region or has reached its end of life.
        """
        if self._is_checked:
            return
        self._is_checked = True
        try:
            response = call(self._control.get_foundation_model, read_silence, modelIdentifier=self._model)
        except ProviderUnreachable:
            # The role may lack the permission for this check. If the model is invalid, the submit fails.
            extra = {"action": "model_not_checked", "provider": self.name}
            logger.warning("Model lifecycle not available", extra=extra)
            return
        except ProviderError:
            self._is_checked = False
            raise ModelGone from None
        lifecycle = response.get("modelDetails", {}).get("modelLifecycle", {})
        ends: datetime | None = lifecycle.get("endOfLifeTime")
        if ends is not None and ends <= datetime.now(UTC):
            self._is_checked = False
            raise ModelGone
        if lifecycle.get("status") == "LEGACY":
            extra = {"action": "model_legacy", "provider": self.name, "model": self._model, "ends": str(ends)}
            logger.warning("Model will be retired", extra=extra)

    @cached_property
    def _runtime(self) -> Any:
        return self._client("bedrock-runtime")

    @cached_property
    def _starter(self) -> Any:
        return self._client("bedrock-runtime", read_timeout=self._timeouts.submit_seconds)

    @cached_property
    def _control(self) -> Any:
        return self._client("bedrock")

    @cached_property
    def _s3(self) -> Any:
        # The default style has no region in the URL, so S3 redirects, which invalidates the signature.
        return self._client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})

    @cached_property
    def _session(self) -> Any:
        import boto3

        return self._given_session or boto3.Session()

    def _client(self, service: str, **config: Any) -> Any:
        seconds = self._timeouts.call_seconds
        config = {"connect_timeout": min(CONNECT_SECONDS, seconds), "read_timeout": seconds} | config
        return make_client(self._session, service, region=self._region, endpoint_url=self._endpoint_url, **config)


def _client_token(token: str) -> str:
    """Return the token, or its SHA-256 if Bedrock does not accept its form."""
    return token if _TOKEN.fullmatch(token) else sha256(token.encode()).hexdigest()


def _folder(uri: str, ref: str) -> tuple[str, str]:
    """Return the bucket and prefix of an invocation's files.

    Some responses contain the URI of that folder, and some the URI of its parent.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise unconfirmed(FailureCode.RESULT_LOST)
    parts = [part for part in (match[2] or "").split("/") if part]
    task = ref.rpartition("/")[2]
    folders = parts if parts[-1:] == [task] else [*parts, task]
    return match[1], f"{'/'.join(folders)}/"
