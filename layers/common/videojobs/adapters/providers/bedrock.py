"""Amazon Bedrock's asynchronous invocations: Luma's Ray on the account's own bill, results in a bucket of one's own.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-luma.html. No key: the function's role may do it.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from videojobs.adapters.bedrock_calls import ModelGone, TokenInUse, call, find_reason, read_refusal, read_silence
from videojobs.adapters.rest.aspect_ratios import RATIOS
from videojobs.adapters.rest.client import CONNECT_SECONDS
from videojobs.adapters.rest.download import Source, download
from videojobs.adapters.rest.failures import failure
from videojobs.adapters.rest.provider import log_unknown_state, require_clip
from videojobs.adapters.rest.setup import ProviderSetup
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.plan import Clip
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.ports.videos import (
    Capabilities,
    Generation,
    GenerationRequest,
    ReportProgress,
    Submission,
    UnknownSubmit,
)

if TYPE_CHECKING:
    import boto3

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "luma.ray-v2:0"
MODEL_FAMILY = "luma.ray-"
"""What an id, or an ARN, of a model with this input has in it."""
RESOLUTION = "720p"
POLL_SECONDS = 10.0
MAXIMUM_PROMPT_CHARACTERS = 5000
URL_SECONDS = 900
MAXIMUM_LISTED = 5000
"""How many of the newest invocations are looked through for one with a certain token."""

DURATIONS: Mapping[float, str] = {5: "5s", 9: "9s"}

_URI = re.compile(r"s3://([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])(?:/(.*))?")
_TOKEN = re.compile(r"[!-~]{1,256}")  # both are StartAsyncInvoke's own


class BedrockProvider:
    """Text to video by Luma's Ray 2. Options: `outputUri`, `region`, `modelId`, `endpointUrl`; no secret."""

    name = "bedrock"

    def __init__(self, setup: ProviderSetup, session: "boto3.Session | None" = None) -> None:
        """Nothing is asked before the first call. `session`: whose rights and region they are; None: the function's.

        Raises:
            ValueError: an option is unknown, or is not what it has to be.
        """
        setup.only_options("outputUri", "region", "modelId", "endpointUrl")
        self._model = setup.option("modelId", DEFAULT_MODEL)
        if MODEL_FAMILY not in self._model:
            raise ValueError(f"ProviderOptions: modelId {self._model} of bedrock has no {MODEL_FAMILY} in it")
        self._output_uri = setup.option("outputUri", setup.results_uri or "-").rstrip("/")
        if not _URI.fullmatch(self._output_uri):
            raise ValueError("ProviderOptions: bedrock needs an outputUri: s3://bucket/prefix")
        self._region = setup.option("region", "-") if "region" in setup.options else None
        self._endpoint_url = setup.option("endpointUrl", "-") if "endpointUrl" in setup.options else None
        self._seconds, self._given_session = setup.call_seconds, session
        self._is_checked = False
        self.capabilities = Capabilities(
            yields_pixels=True,
            can_cancel=False,
            unknown_submit=UnknownSubmit.REPEAT,
            clips=tuple(Clip(*size, seconds) for size in RATIOS for seconds in DURATIONS),
            prompt_limit=PromptLimit(MAXIMUM_PROMPT_CHARACTERS, Counting.CODE_POINTS),
            poll_seconds=POLL_SECONDS,
        )

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Begin the invocation; the same token is the same invocation."""
        clip = require_clip(request)
        self._check_model()
        try:
            response = call(
                self._runtime.start_async_invoke,
                read_refusal,
                clientRequestToken=_client_token(token),
                modelId=self._model,
                modelInput={
                    "prompt": request.prompt,
                    "aspect_ratio": RATIOS[clip.width, clip.height],
                    "duration": DURATIONS[clip.seconds],
                    "resolution": RESOLUTION,
                    "loop": False,
                },
                outputDataConfig={"s3OutputDataConfig": {"s3Uri": self._output_uri}},
            )
        except TokenInUse:
            found = self.find(token=token)
            if found is None:
                raise ProviderUnreachable from None
            return found
        if not response.get("invocationArn"):
            raise ProviderUnreachable
        return Submission(response["invocationArn"], POLL_SECONDS)

    def find(self, *, token: str) -> Submission | None:
        """Look through the account's newest invocations."""
        pages = self._runtime.get_paginator("list_async_invokes").paginate(
            sortBy="SubmissionTime",
            sortOrder="Descending",
            PaginationConfig={"MaxItems": MAXIMUM_LISTED, "PageSize": 1000},
        )
        wanted = _client_token(token)

        def search() -> dict[str, Any]:
            every = (each for page in pages for each in page.get("asyncInvokeSummaries", ()))
            return next((each for each in every if each.get("clientRequestToken") == wanted), {})

        found = call(search, read_silence)
        return Submission(found["invocationArn"], POLL_SECONDS) if found else None

    def poll(self, ref: str) -> Generation:
        """Ask how the invocation stands; Bedrock tells no progress and no cost."""
        response = self._invocation(ref)
        match response["status"]:
            case "Completed":
                return Generation(done=True, progress=1)
            case "Failed":
                raise failure(find_reason(response.get("failureMessage", "")) or FailureCode.PROVIDER_ERROR)
            case "InProgress":
                pass
            case state:
                log_unknown_state(self.name, state)
        return Generation(done=False, poll_after_seconds=POLL_SECONDS)

    def cancel(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Bedrock can't: what has begun is made, and paid."""
        return False

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:
        """Download the video from the bucket, by a URL that is signed here."""
        host = urlsplit(self._s3.meta.endpoint_url).hostname
        download(
            lambda: self._locate(ref),
            path,
            allowed_hosts=(host, f".{host}"),
            on_progress=on_progress,
            call_seconds=self._seconds,
        )

    def _locate(self, ref: str) -> Source:
        uri = self._invocation(ref)["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
        bucket, prefix = _folder(uri, ref)
        response = call(self._s3.list_objects_v2, read_silence, Bucket=bucket, Prefix=prefix)
        if "KeyCount" not in response:
            raise ProviderUnreachable
        keys = [each["Key"] for each in response.get("Contents", ())]
        key = next((key for key in keys if key == f"{prefix}output.mp4"), None)
        if key is None:
            raise failure(FailureCode.RESULT_LOST)
        wanted = {"Bucket": bucket, "Key": key}
        return Source(self._s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=URL_SECONDS))

    def _invocation(self, ref: str) -> dict[str, Any]:
        response = call(self._runtime.get_async_invoke, read_silence, invocationArn=ref)
        if "status" not in response or "outputDataConfig" not in response:
            raise ProviderUnreachable
        return response

    def _check_model(self) -> None:
        """Once, before the first use: AWS takes models away, and says so long before."""
        if self._is_checked:
            return
        self._is_checked = True
        try:
            response = call(self._control.get_foundation_model, read_silence, modelIdentifier=self._model)
        except ProviderUnreachable:
            # The right to ask that is not needed for the work; what is wrong with the model, the submit will say.
            logger.warning("Model not checked", extra={"action": "model_not_checked", "provider": self.name})
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
            logger.warning("The model will be taken away", extra=extra)

    @cached_property
    def _runtime(self) -> Any:
        return self._client("bedrock-runtime")

    @cached_property
    def _control(self) -> Any:
        return self._client("bedrock")

    @cached_property
    def _s3(self) -> Any:
        # Without a style the URL is one for all regions, from which S3 redirects: no signature survives that.
        return self._client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})

    @cached_property
    def _session(self) -> Any:
        import boto3

        return self._given_session or boto3.Session()

    def _client(self, service: str, **more: Any) -> Any:
        from botocore.config import Config

        # No second try by itself: the worker knows when to ask again, and a repeated start has to be its decision.
        config = Config(
            connect_timeout=min(CONNECT_SECONDS, self._seconds),
            read_timeout=self._seconds,
            retries={"total_max_attempts": 1, "mode": "standard"},
            **more,
        )
        return self._session.client(service, region_name=self._region, endpoint_url=self._endpoint_url, config=config)


def _client_token(token: str) -> str:
    return token if _TOKEN.fullmatch(token) else sha256(token.encode()).hexdigest()


def _folder(uri: str, ref: str) -> tuple[str, str]:
    """Bucket and prefix of an invocation's files; some answers name that folder itself, some the one above it."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise failure(FailureCode.RESULT_LOST)
    parts = [part for part in (found[2] or "").split("/") if part]
    task = ref.rpartition("/")[2]
    folders = parts if parts[-1:] == [task] else [*parts, task]
    return found[1], f"{'/'.join(folders)}/"
