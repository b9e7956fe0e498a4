"""Video provider for Veo on Vertex AI.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from google.auth import aws, identity_pool
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport import Request, Response
from google.oauth2 import service_account

from videojobs.adapters.offers.parameters import RATIOS
from videojobs.adapters.offers.veo import PARAMETERS, POLL_SECONDS, read_offer
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Generation, GenerationRequest, ReportProgress
from videojobs_providers.rest.client import CONNECT_SECONDS, tls_context
from videojobs_providers.rest.download import Source
from videojobs_providers.rest.failures import failure, not_set_up, unconfirmed
from videojobs_providers.rest.moderation import REFUSAL_STATUSES, is_rejected_content
from videojobs_providers.rest.provider import RestVideoProvider, has_error, read_ref, settle_state
from videojobs_providers.rest.result_host import result_refused
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState

DEFAULT_MODEL = "veo-3.1-fast-generate-001"
DEFAULT_LOCATION = "us-central1"
STORAGE_URL = "https://storage.googleapis.com"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
MAXIMUM_ANSWER_BYTES = 64 * 1024 * 1024
"""Maximum response size. Without `outputUri` the response contains the video in base64: 8 s at 720p are about 10 MB.

Reading a response needs three times its size in memory, of the worker's 512 MB.
"""

_DONE_VALUES = {"true": TaskState.DONE, "false": TaskState.RUNNING}
_REFUSED = re.compile(r"safety|prohibited", re.IGNORECASE)
"""Further words of Google's messages about rejected content."""
_CODES: Mapping[int, FailureCode] = {
    3: FailureCode.INVALID_REQUEST,
    4: FailureCode.TIMEOUT,
    8: FailureCode.RATE_LIMITED,
    9: FailureCode.INVALID_REQUEST,
}
"""Codes by gRPC status; other failures are transient.

https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
"""


class VeoProvider(RestVideoProvider):
    """Text-to-video provider for Veo, whose operations can't be found by token or canceled.

    Options: `project` (required), `location`, `model`, `outputUri` (`gs://bucket/prefix`; without it each poll of a
    finished operation returns the whole video), `baseUrl`, `storageUrl`, `resultHosts`. Secret: `serviceAccount` or
    `workloadIdentity`, each with the JSON that Google Cloud issues.
    """

    name = "veo"

    def __init__(self, setup: ProviderSetup) -> None:
        """Read the options.

        Raises:
            ValueError: If an option is missing, unknown or malformed.
        """
        super().__init__(setup, "project", "location", "model", "outputUri", "baseUrl", "storageUrl")
        project, location = setup.option("project", ""), setup.option("location", DEFAULT_LOCATION)
        model = setup.option("model", DEFAULT_MODEL)
        self._output_uri = setup.option("outputUri", "gs://")
        if not self._output_uri.startswith("gs://"):
            raise ValueError("ProviderOptions: outputUri of veo must be of the form gs://bucket/prefix")
        self._model = f"/v1/projects/{project}/locations/{location}/publishers/google/models/{model}"
        self._storage_url = setup.option("storageUrl", STORAGE_URL)
        self._result_hosts = self._read_result_hosts(urlsplit(self._storage_url).hostname or "")
        self._credentials: Credentials | None = None
        base_url = setup.option("baseUrl", f"https://{location}-aiplatform.googleapis.com")
        self._rest = self._connect(base_url, _read_error, maximum_answer_bytes=MAXIMUM_ANSWER_BYTES)
        self.capabilities = replace(read_offer(setup.options), unknown_submit=setup.unknown_submit)

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create the operation and return its name as the ref."""
        parameters: dict[str, object] = {
            "aspectRatio": RATIOS[clip.width, clip.height],
            "durationSeconds": int(clip.seconds),
            "sampleCount": 1,
            **PARAMETERS.of(request, clip),
        }
        if self._output_uri != "gs://":
            parameters["storageUri"] = self._output_uri
        body = {"instances": [{"prompt": request.prompt}], "parameters": parameters}
        return read_ref(self._rest.create(f"{self._model}:predictLongRunning", body), "name")

    def poll(self, ref: str) -> Generation:
        """Return the operation's state.

        Raises:
            ProviderError: If the operation failed, or is done without a video.
            ProviderUnreachable: If Vertex AI does not respond.
        """
        response = self._ask(ref)
        done, has_result = response.get("done"), bool(response.get("response"))
        if done is None and not has_result and not has_error(response):
            done = False  # Google omits fields that are false
        value = _DONE_VALUES.get(str(done).casefold(), done) if isinstance(done, bool | str) else done
        if settle_state(self.name, value, response, has_result=has_result) is TaskState.RUNNING:
            return Generation(done=False, poll_after_seconds=POLL_SECONDS)
        _video_of(response)
        return Generation(done=True, progress=1)

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress, *, maximum_bytes: int) -> None:
        """Download the video from the bucket to `path`, or write it from the response if that contains it."""
        video = _video_of(self._ask(ref))
        if "gcsUri" not in video:
            path.write_bytes(_decode(str(video["bytesBase64Encoded"])))
            on_progress(1)
            return
        attempts = count()
        self._download(lambda: self._source(video, refresh=next(attempts) > 0), path, on_progress, maximum_bytes)

    def locate(self, ref: str, *, refresh: bool = False) -> Source:
        """Return the URL of the video in the bucket, with an access token."""
        return self._source(_video_of(self._ask(ref)), refresh=refresh)

    def allows_result(self, link: str) -> bool:
        """Return whether the result is in the bucket of `outputUri`, or at an allowed host after a redirect."""
        if not link.startswith("gs://"):
            return super().allows_result(link)
        bucket = self._output_uri.removeprefix("gs://").partition("/")[0]
        return bool(bucket) and link.startswith(f"gs://{bucket}/")

    def _source(self, video: Mapping[str, Any], *, refresh: bool) -> Source:
        uri = str(video["gcsUri"])
        if not uri.startswith("gs://") or not self.allows_result(uri):
            raise result_refused(uri, "storage.googleapis.com", "not in the bucket of outputUri")
        path = quote(uri.removeprefix("gs://"))
        return Source(f"{self._storage_url}/{path}", self._authorize_download(refresh=refresh))

    def _ask(self, ref: str) -> dict[str, Any]:
        return self._rest.ask(f"{self._model}:fetchPredictOperation", method="POST", body={"operationName": ref})

    def _authorize(self, refresh: bool) -> Mapping[str, str]:  # noqa: FBT001 - the signature of `Authorize`
        """Return the header with an access token, which is cached until it expires; with `refresh`, read the key again.

        The key is also read again if Google rejects it, for example because it was deleted after a rotation.

        Raises:
            ProviderUnreachable: If Google's token endpoint does not respond.
            ProviderError: If the key is malformed or rejected.
        """
        credentials = self._credentials
        if credentials is None or refresh:
            credentials = _read_credentials(self._setup.read_key(refresh=refresh))
        try:
            self._sign_in(credentials)
        except GoogleAuthError as error:
            self._credentials = None
            if refresh:
                raise not_set_up() from error
            return self._authorize(True)  # noqa: FBT003 - the key may have been rotated
        self._credentials = credentials
        return {"Authorization": f"Bearer {credentials.token}"}

    def _sign_in(self, credentials: Credentials) -> None:
        """Request an access token, unless the credentials have a valid one.

        Raises:
            GoogleAuthError: If Google rejects the key.
            ProviderUnreachable: If Google's token endpoint does not respond.
        """
        if credentials.valid:
            return
        try:
            credentials.refresh(_HttpxRequest(self._setup.timeouts.call_seconds))  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            if isinstance(error, TransportError) or error.retryable:
                raise ProviderUnreachable from error
            raise


class _HttpxResponse(Response):
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def data(self) -> bytes:
        return self._response.content


class _HttpxRequest(Request):
    """HTTP transport of google-auth that uses httpx instead of an additional HTTP library."""

    def __init__(self, seconds: float) -> None:
        self._timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the provider's timeout is shorter
        **_more: object,
    ) -> Response:
        try:
            tls = tls_context(trust_env=True)
            response = httpx.request(method, url, content=body, headers=headers, timeout=self._timeout, verify=tls)
        except httpx.HTTPError as error:
            raise TransportError(error) from error  # type: ignore[no-untyped-call]
        return _HttpxResponse(response)


def _read_credentials(key: Mapping[str, Any]) -> Credentials:
    """Return the credentials of a key; raise `ProviderError` if it is malformed."""
    try:
        return _load_credentials(key)
    except (GoogleAuthError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise not_set_up() from error


def _load_credentials(key: Mapping[str, Any]) -> Credentials:
    credentials: Credentials
    if "serviceAccount" in key:
        account = key["serviceAccount"]
        credentials = service_account.Credentials.from_service_account_info(account, scopes=SCOPES)  # type: ignore[no-untyped-call]
        return credentials
    federation = key["workloadIdentity"]
    is_aws = str(federation["credential_source"].get("environment_id", "")).startswith("aws")
    kind = aws.Credentials if is_aws else identity_pool.Credentials
    credentials = kind.from_info(federation, scopes=list(SCOPES))  # type: ignore[no-untyped-call]
    return credentials


def _video_of(response: Mapping[str, Any]) -> Mapping[str, object]:
    """Return the video of a finished operation: an object with `gcsUri` or `bytesBase64Encoded`.

    Raises:
        ProviderError: If the operation failed or has no video, for example because the prompt was rejected.
    """
    match response:
        case {"error": error} if has_error(response):
            fields = error if isinstance(error, dict) else {"message": error}
            code = fields.get("code")
            raise _failure_of(code if isinstance(code, int) else 0, str(fields.get("message", "")))
        case {"response": {"videos": [{"gcsUri": str()} | {"bytesBase64Encoded": str()} as video, *_]}}:
            result: Mapping[str, object] = video
            return result
        case {"response": {"raiMediaFilteredCount": int(count)}} if count:
            raise failure(FailureCode.CONTENT_REJECTED)
        case _:
            raise unconfirmed(FailureCode.PROVIDER_ERROR)


def _decode(text: str) -> bytes:
    try:
        content = b64decode(text)
    except ValueError:
        content = b""
    if not content:
        raise unconfirmed(FailureCode.RESULT_LOST)
    return content


def _failure_of(code: int, message: str) -> ProviderError:
    if is_rejected_content(message) or _REFUSED.search(message):
        return failure(FailureCode.CONTENT_REJECTED)
    return failure(_CODES.get(code, FailureCode.PROVIDER_ERROR))


def _read_error(status: int, payload: Any) -> ProviderError | None:
    """Return the error for a prompt that is rejected at creation, or None for the general rule."""
    match payload:
        case {"error": {"message": str(message)}} if status in REFUSAL_STATUSES and _REFUSED.search(message):
            return failure(FailureCode.CONTENT_REJECTED)
        case _:
            return None
