"""A call as API Gateway (REST, proxy integration) hands it over; the only reader of that event's shape."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class HttpRequest(NamedTuple):
    """One request. `headers` (in lower case) and `query` have each name with every value that came, in order.

    A NamedTuple, because a dataclass takes 1 ms longer to make, at every cold start.
    `route` is the resource's pattern (`/api/videos/{jobId}`), fit for a log line where the path itself is not.
    """

    method: str
    route: str
    request_id: str
    headers: Mapping[str, tuple[str, ...]]
    query: Mapping[str, tuple[str, ...]]
    body: str | None
    is_base64: bool

    @classmethod
    def from_event(cls, event: Mapping[str, Any], *, fallback_id: str = "") -> Self:
        """Read the event; whatever is missing in it is empty here. `fallback_id` is for events without a request id."""
        context, body = event.get("requestContext"), event.get("body")
        request_id = context.get("requestId") if isinstance(context, Mapping) else None
        return cls(
            method=str(event.get("httpMethod") or "").upper(),
            route=str(event.get("resource") or ""),
            request_id=str(request_id or fallback_id),
            headers=_read_values(event, "multiValueHeaders", "headers", str.lower),
            query=_read_values(event, "multiValueQueryStringParameters", "queryStringParameters", str),
            body=body if isinstance(body, str) else None,
            is_base64=bool(event.get("isBase64Encoded")),
        )

    def header(self, name: str) -> str | None:
        """The value of a header (`name` in lower case), or None. Several are joined by a comma, as HTTP says."""
        values = self.headers.get(name)
        return ", ".join(values) if values else None


def _read_values(
    event: Mapping[str, Any], many: str, single: str, spell: Callable[[str], str]
) -> dict[str, tuple[str, ...]]:
    # The member `many` has all that `single` has and more; hand-made events often have only one of the two.
    collected: dict[str, dict[str, list[str]]] = {single: {}, many: {}}
    for member, values in collected.items():
        for name, value in _pairs(event.get(member)):
            values.setdefault(spell(name), []).append(value)
    return {name: tuple(values) for name, values in (collected[single] | collected[many]).items()}


def _pairs(members: object) -> Iterator[tuple[str, str]]:
    if not isinstance(members, Mapping):
        return
    for name, value in members.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield str(name), each
