"""Brings an adapter's calls to where aimock has the provider's API, and serves the videos that aimock only names."""

import json
from abc import abstractmethod
from base64 import b64encode
from contextlib import suppress
from typing import Any

import httpx

from tests.providers.counterparts.server import Counterpart, Exchange, LocalServer, Reply
from tests.providers.video import make_video

_RESULTS, _RESULT_PATH = "https://results.invalid", "/the-result.mp4"
RESULT_URL = _RESULTS + _RESULT_PATH
"""What aimock is told to name; each gateway puts an address in its place where the video really is."""
PATIENCE_SECONDS = 10.0


class Gateway(LocalServer):
    """One provider's way to aimock."""

    def __init__(self, aimock_url: str, counterpart: Counterpart) -> None:
        """The counterpart is asked for what is not the provider's API, a sign-in say."""
        self._aimock_url, self._counterpart = aimock_url, counterpart
        super().__init__()

    @abstractmethod
    def translate(self, exchange: Exchange) -> Reply:
        """Answer with aimock's words."""

    def answer(self, exchange: Exchange) -> None:
        """Serve the result, or translate."""
        if exchange.path == _RESULT_PATH:
            exchange.send(Reply(200, make_video(), {"Content-Type": "video/mp4"}))
            return
        with suppress(httpx.TransportError):  # cut off there, cut off here
            exchange.send(self.translate(exchange))

    def call(self, method: str, path: str, exchange: Exchange, *, body: Any = None, **headers: str) -> Reply:
        """Ask aimock, with the key that came."""
        headers |= {"Authorization": exchange.headers.get("authorization", ""), "Content-Type": "application/json"}
        content = exchange.body if body is None else json.dumps(body).encode()
        answer = httpx.request(
            method, self._aimock_url + path, content=content, headers=headers, timeout=PATIENCE_SECONDS
        )
        kept = {name: answer.headers[name] for name in ("content-type", "retry-after") if name in answer.headers}
        return Reply(answer.status_code, answer.content, kept)


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
