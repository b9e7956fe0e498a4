"""Gateways from adapters to counterparts from npm, which also serve the videos that aimock only names."""

import json
from base64 import b64encode
from contextlib import suppress

import httpx

from tests.providers.counterparts.server import Counterpart, Exchange, LocalServer, Reply
from tests.providers.video import make_video

_RESULTS, _RESULT_PATH = "https://results.invalid", "/the-result.mp4"
RESULT_URL = _RESULTS + _RESULT_PATH
"""URL of the result in aimock's fixtures. `FalGateway` replaces its host, `VeoGateway` replaces it with the bytes."""
PATIENCE_SECONDS = 10.0
_CLIENT = httpx.Client(
    timeout=PATIENCE_SECONDS, verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
)
"""Client without keep-alive. All gateways share it, because a client takes longer to create than a call."""
_OF_ONE_CONNECTION = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}


class Gateway(LocalServer):
    """Gateway to a counterpart from npm. It forwards each call unchanged, on a new connection."""

    def __init__(self, there: str, counterpart: Counterpart) -> None:
        """Start a gateway to the URL `there`. Subclasses send calls outside the provider's API to `counterpart`."""
        self._there, self._counterpart = there, counterpart
        super().__init__()

    def translate(self, exchange: Exchange) -> Reply:
        """Forward the call, and return the response."""
        return self.call(exchange.method, exchange.path, exchange)

    def answer(self, exchange: Exchange) -> None:
        """Serve the result, or translate the call. A connection that breaks behind the gateway is closed here too."""
        if exchange.path == _RESULT_PATH:
            exchange.send(Reply(200, make_video(), {"Content-Type": "video/mp4"}))
            return
        with suppress(httpx.TransportError):  # the connection is then closed without a response
            exchange.send(self.translate(exchange))

    def call(self, method: str, path: str, exchange: Exchange, **headers: str) -> Reply:
        """Send the call with this method and path and additional headers, and return the response."""
        received = {name: value for name, value in exchange.headers.items() if name not in _OF_ONE_CONNECTION}
        response = _CLIENT.request(
            method,
            self._there + path,
            params=exchange.query,
            content=exchange.body,
            headers={**received, **headers},
        )
        kept = {name: response.headers[name] for name in ("content-type", "retry-after") if name in response.headers}
        return Reply(response.status_code, response.content or None, kept)


class FalGateway(Gateway):
    """Gateway to fal's queue, which aimock serves below `/fal`; a header names the original host."""

    def translate(self, exchange: Exchange) -> Reply:
        """Forward the call to its path below `/fal`; the URLs in the response lead back to this gateway."""
        reply = self.call(exchange.method, f"/fal{exchange.path}", exchange, **{"x-fal-target-host": "queue.fal.run"})
        here = self.url.encode()
        content = reply.content.replace(b"https://queue.fal.run", here).replace(_RESULTS.encode(), here)
        return Reply(reply.status, content, reply.headers)


class VeoGateway(Gateway):
    """Gateway from Vertex AI to the Gemini API of aimock. Vertex AI polls an operation by POST and returns `videos`."""

    def translate(self, exchange: Exchange) -> Reply:
        """Translate submits and polls to the Gemini API, and its responses to those of Vertex AI."""
        model, _, action = exchange.path.partition(":")
        if action == "predictLongRunning":
            path = f"/v1beta/models/{model.rpartition('/')[2]}:predictLongRunning"
            return self._named_in_full(self.call("POST", path, exchange), model.partition("/v1/")[2])
        if action == "fetchPredictOperation":
            name = json.loads(exchange.body)["operationName"]
            path = f"/v1beta/operations/{name.rpartition('/')[2]}"
            return self._named_in_full(self.call("GET", path, exchange), name.partition("/operations/")[0])
        return self._counterpart.reply(exchange)

    def _named_in_full(self, reply: Reply, model: str) -> Reply:
        try:
            operation = json.loads(reply.content)
        except ValueError:
            return reply
        if "name" in operation:
            operation["name"] = f"{model}/{operation['name']}"
        samples = operation.get("response", {}).pop("generateVideoResponse", {}).get("generatedSamples", [])
        if samples:
            operation["response"]["videos"] = [self._inline(sample["video"]["uri"]) for sample in samples]
        return Reply(reply.status, operation, reply.headers)

    def _inline(self, uri: str) -> dict[str, str]:
        assert uri == RESULT_URL
        return {"bytesBase64Encoded": b64encode(make_video()).decode(), "mimeType": "video/mp4"}


class OpenRouterGateway(Gateway):
    """Gateway to OpenRouter's variant, which aimock serves below `/api`."""

    def translate(self, exchange: Exchange) -> Reply:
        """Forward the call to its path below `/api`."""
        return self.call(exchange.method, f"/api{exchange.path}", exchange)
