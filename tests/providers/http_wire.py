"""Proxy between an adapter and a counterpart, which simulates network faults in the calls that a test selects."""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from tests.providers.counterparts.server import Counterpart, Exchange, LocalServer, Reply

RETRY_AFTER_SECONDS = 7


class Fault(StrEnum):
    """Fault of one call."""

    RATE_LIMITED = "429"  # not carried out
    BROKEN = "500"  # not carried out
    UNAUTHORIZED = "401"  # not carried out
    CUT_BEFORE = "cut before"  # not carried out; the connection is closed without a response
    CUT_AFTER = "cut after"  # carried out; the connection is closed without a response
    CUT_MIDWAY = "cut midway"  # carried out; the connection is closed after half of the response body
    GARBAGE = "garbage"  # not carried out; the response is an HTML page with status 200
    SLOW = "slow"  # carried out; no response before the timeout of the client


_INSTEAD = {
    Fault.RATE_LIMITED: Reply(429, {"error": "slow down"}, {"Retry-After": str(RETRY_AFTER_SECONDS)}),
    Fault.BROKEN: Reply(500, {"error": "oops"}),
    Fault.UNAUTHORIZED: Reply(401, {"error": "no such key"}),
    Fault.GARBAGE: Reply(200, b"<html><body>Welcome to nginx!</body></html>", {"Content-Type": "text/html"}),
}


@dataclass(frozen=True)
class Call:
    """Call that the proxy received."""

    kind: str
    method: str
    path: str
    authorization: str
    range: str


class Wire(LocalServer):
    """Proxy in front of a counterpart. Results are downloaded through it too."""

    def __init__(self, counterpart: Counterpart) -> None:
        """Start the proxy without faults, and make the URLs of the counterpart lead to it."""
        self.calls: list[Call] = []
        self._counterpart = counterpart
        self._next: dict[str, list[Fault]] = defaultdict(list)
        self._always: dict[str, Fault] = {}
        super().__init__()
        counterpart.public_url = self.url

    def next(self, kind: str, *faults: Fault) -> None:
        """Apply the faults to the next calls of this kind, one fault per call."""
        self._next[kind].extend(faults)

    def always(self, kind: str, fault: Fault) -> None:
        """Apply the fault to every later call of this kind, after the faults of `next`."""
        self._always[kind] = fault

    def count(self, kind: str) -> int:
        """Return the number of calls of this kind so far."""
        return sum(call.kind == kind for call in self.calls)

    def answer(self, exchange: Exchange) -> None:
        """Forward the call, or apply the next fault of its kind."""
        kind = self._counterpart.kind(exchange.method, exchange.path)
        key = exchange.headers.get("authorization", "") or exchange.headers.get("x-api-key", "")
        self.calls.append(Call(kind, exchange.method, exchange.path, key, exchange.headers.get("range", "")))
        fault = self._next[kind].pop(0) if self._next[kind] else self._always.get(kind)
        match fault:
            case None:
                exchange.send(self._counterpart.reply(exchange))
            case Fault.CUT_BEFORE:
                pass
            case Fault.CUT_AFTER:
                self._counterpart.reply(exchange)
            case Fault.CUT_MIDWAY:
                reply = self._counterpart.reply(exchange)
                if reply.content:  # without a body, nothing is sent
                    exchange.send(reply, cut_at=len(reply.content) // 2)
            case Fault.SLOW:
                self._counterpart.reply(exchange)
                exchange.wait_until_it_hangs_up()
            case _:
                exchange.send(_INSTEAD[fault])
