"""The network between an adapter and a counterpart, which goes wrong at the call that a test names."""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from tests.providers.counterparts.server import Counterpart, Exchange, LocalServer, Reply

RETRY_AFTER_SECONDS = 7


class Fault(StrEnum):
    """What happens to one call."""

    RATE_LIMITED = "429"  # not carried out
    BROKEN = "500"  # not carried out
    UNAUTHORIZED = "401"  # not carried out
    CUT_BEFORE = "cut before"  # the connection ends without an answer, nothing was done
    CUT_AFTER = "cut after"  # the connection ends without an answer, the call was carried out
    CUT_MIDWAY = "cut midway"  # carried out; half the answer's body arrives
    GARBAGE = "garbage"  # a page of some gateway with status 200, nothing was done
    SLOW = "slow"  # carried out; the answer comes later than the client waits


_INSTEAD = {
    Fault.RATE_LIMITED: Reply(429, {"error": "slow down"}, {"Retry-After": str(RETRY_AFTER_SECONDS)}),
    Fault.BROKEN: Reply(500, {"error": "oops"}),
    Fault.UNAUTHORIZED: Reply(401, {"error": "no such key"}),
    Fault.GARBAGE: Reply(200, b"<html><body>Welcome to nginx!</body></html>", {"Content-Type": "text/html"}),
}


@dataclass(frozen=True)
class Call:
    """One call that came over the wire."""

    kind: str
    method: str
    path: str
    authorization: str
    range: str


class Wire(LocalServer):
    """A proxy in front of a counterpart, whose results are fetched over it too."""

    def __init__(self, counterpart: Counterpart) -> None:
        """All calls get through, unless `next` or `always` says otherwise."""
        self.calls: list[Call] = []
        self._counterpart = counterpart
        self._next: dict[str, list[Fault]] = defaultdict(list)
        self._always: dict[str, Fault] = {}
        super().__init__()
        counterpart.public_url = self.url

    def next(self, kind: str, *faults: Fault) -> None:
        """What happens to the next calls of this kind, one after the other."""
        self._next[kind].extend(faults)

    def always(self, kind: str, fault: Fault) -> None:
        """What happens to each call of this kind from now on."""
        self._always[kind] = fault

    def count(self, kind: str) -> int:
        """How many calls of this kind came so far."""
        return sum(call.kind == kind for call in self.calls)

    def answer(self, exchange: Exchange) -> None:
        """Let a call through, or not."""
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
                if reply.content:  # of an empty one nothing arrives
                    exchange.send(reply, cut_at=len(reply.content) // 2)
            case Fault.SLOW:
                self._counterpart.reply(exchange)
                exchange.wait_until_it_hangs_up()
            case _:
                exchange.send(_INSTEAD[fault])
