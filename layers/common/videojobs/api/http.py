"""HTTP requests, parsed from the events of API Gateway's REST proxy integration."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPTIONAL_WHITE_SPACE = " \t"
"""The white space around the parts of a header value (RFC 9110, section 5.6.3). `str.strip` removes more."""


class HttpRequest(NamedTuple):
    """An HTTP request. `headers` (names in lower case) and `query` map each name to all of its values, in order.

    `route` is the resource's pattern (`/api/videos/{jobId}`), which is safe to log, unlike the path.
    A NamedTuple, because creating a dataclass adds 1 ms to each cold start.
    """

    method: str
    route: str
    path: str
    request_id: str
    headers: Mapping[str, tuple[str, ...]]
    query: Mapping[str, tuple[str, ...]]
    body: str | None
    is_base64: bool

    @classmethod
    def from_event(cls, event: Mapping[str, Any], *, fallback_id: str = "") -> Self:
        """Return the request of an event; missing members become empty. `fallback_id` replaces a missing request ID."""
        context, body = event.get("requestContext"), event.get("body")
        request_id = context.get("requestId") if isinstance(context, Mapping) else None
        return cls(
            method=str(event.get("httpMethod") or "").upper(),
            route=str(event.get("resource") or ""),
            path=str(event.get("path") or ""),
            request_id=str(request_id or fallback_id),
            headers=_read_values(event, "multiValueHeaders", "headers", str.lower),
            query=_read_values(event, "multiValueQueryStringParameters", "queryStringParameters", str),
            body=body if isinstance(body, str) else None,
            is_base64=bool(event.get("isBase64Encoded")),
        )

    def header(self, name: str) -> str | None:
        """Return the value of a header (`name` in lower case), or None. Several values are joined by commas."""
        values = self.headers.get(name)
        return ", ".join(values) if values else None

    def relative_reference(self, reference: str) -> str:
        """Return `reference`, relative to the request's path without a slash at its end, for use in a header.

        A client resolves it against the URL that it requested (RFC 3986, section 5.2). So it can be followed at
        every address: API Gateway's own URLs have the stage before `/api`, those of a domain or of CloudFront do not.
        """
        slashes = len(self.path) - len(self.path.rstrip("/"))  # a path with slashes at its end has the same route
        return "../" * slashes + reference


def _read_values(
    event: Mapping[str, Any], many: str, single: str, spell: Callable[[str], str]
) -> dict[str, tuple[str, ...]]:
    # `many` contains all values in `single` and more, but hand-written events often have only one of the two.
    collected: dict[str, dict[str, list[str]]] = {single: {}, many: {}}
    for member, values in collected.items():
        for name, value in _pairs(event.get(member)):
            values.setdefault(spell(name), []).append(value)
    return {name: tuple(values) for name, values in (collected[single] | collected[many]).items()}


def _pairs(members: object) -> Iterator[tuple[str, str]]:
    if not isinstance(members, Mapping):
        return
    for name, value in members.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield str(name), text
