"""Brings an adapter's calls to counterparts from npm, in their words, and serves the videos that aimock only names."""

import json
from base64 import b64encode
from contextlib import suppress

import httpx

from tests.providers.counterparts.server import Counterpart, Exchange, LocalServer, Reply
from tests.providers.video import make_video

_RESULTS, _RESULT_PATH = "https://results.invalid", "/the-result.mp4"
RESULT_URL = _RESULTS + _RESULT_PATH
"""What aimock is told to name; each gateway puts an address in its place where the video really is."""
PATIENCE_SECONDS = 10.0
_OF_ONE_CONNECTION = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}


class Gateway(LocalServer):
    """The way to a counterpart from npm; the calls arrive as they are, and no connection is kept."""

    def __init__(self, there: str, counterpart: Counterpart) -> None:
        """`there` is a URL; our own counterpart is asked for what is not the provider's API, a sign-in say."""
        self._there, self._counterpart = there, counterpart
        super().__init__()

    def translate(self, exchange: Exchange) -> Reply:
        """Answer with what is said there."""
        return self.call(exchange.method, exchange.path, exchange)

    def answer(self, exchange: Exchange) -> None:
        """Serve the result, or translate."""
        if exchange.path == _RESULT_PATH:
            exchange.send(Reply(200, make_video(), {"Content-Type": "video/mp4"}))
            return
        with suppress(httpx.TransportError):  # cut off there, cut off here
            exchange.send(self.translate(exchange))

    def call(self, method: str, path: str, exchange: Exchange, **headers: str) -> Reply:
        """The same call over there, as far as nothing else is said."""
        came = {name: value for name, value in exchange.headers.items() if name not in _OF_ONE_CONNECTION}
        answer = httpx.request(
            method,
            self._there + path,
            params=exchange.query,
            content=exchange.body,
            headers={**came, **headers},
            timeout=PATIENCE_SECONDS,
        )
        kept = {name: answer.headers[name] for name in ("content-type", "retry-after") if name in answer.headers}
        return Reply(answer.status_code, answer.content or None, kept)


class FalGateway(Gateway):
    """aimock has fal's queue under `/fal`, for calls that say to which of fal's hosts they were meant to go."""

    def translate(self, exchange: Exchange) -> Reply:
        """The same call at another place; its answer's URLs lead back here."""
        reply = self.call(exchange.method, f"/fal{exchange.path}", exchange, **{"x-fal-target-host": "queue.fal.run"})
        here = self.url.encode()
        led_back = reply.content.replace(b"https://queue.fal.run", here).replace(_RESULTS.encode(), here)
        return Reply(reply.status, led_back, reply.headers)


class VeoGateway(Gateway):
    """aimock has Veo as the Gemini API serves it; Vertex AI asks for an operation by POST and says `videos`."""

    def translate(self, exchange: Exchange) -> Reply:
        """Vertex AI's create and poll as Gemini's, and Gemini's answers as Vertex AI's."""
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
            told = json.loads(reply.content)
        except ValueError:
            return reply
        if "name" in told:
            told["name"] = f"{model}/{told['name']}"
        samples = told.get("response", {}).pop("generateVideoResponse", {}).get("generatedSamples", [])
        if samples:
            told["response"]["videos"] = [self._inline(sample["video"]["uri"]) for sample in samples]
        return Reply(reply.status, told, reply.headers)

    def _inline(self, uri: str) -> dict[str, str]:
        assert uri == RESULT_URL
        return {"bytesBase64Encoded": b64encode(make_video()).decode(), "mimeType": "video/mp4"}


class OpenRouterGateway(Gateway):
    """aimock has OpenRouter's variant under its own path."""

    def translate(self, exchange: Exchange) -> Reply:
        """The same call, below `/api`."""
        return self.call(exchange.method, f"/api{exchange.path}", exchange)
