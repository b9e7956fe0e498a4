"""Which story the work at hand belongs to, after W3C Trace Context: https://www.w3.org/TR/trace-context/

A story begins with a request and is carried on by every message, call to a provider and webhook that comes of it. It
stands in the job as well, so that what the reconciler sends again, hours later, belongs to it.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Self

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_XRAY_ROOT = re.compile(r"(?:^|;)Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)")


class Trace(NamedTuple):
    """`trace_id` names the story (32 hex digits), `span_id` this part of it (16); `flags` are handed on (2)."""

    trace_id: str
    span_id: str
    flags: str

    @classmethod
    def read(cls, traceparent: str | None) -> Self | None:
        """A header, attribute or field of version 00; anything else is None, as the specification wants it."""
        match = _TRACEPARENT.fullmatch(traceparent or "")
        return cls(*match.groups()) if match else None

    @classmethod
    def of_xray(cls, header: str | None) -> Self | None:
        """The story that AWS X-Ray knows by the same 32 digits: `Root=1-5759e988-bd862e3fe1be46a994272793`."""
        match = _XRAY_ROOT.search(header or "")
        return cls("".join(match.groups()), _draw(8), "01") if match else None

    @classmethod
    def new(cls) -> Self:
        """A story of its own."""
        return cls(_draw(16), _draw(8), "01")

    def part(self) -> Self:
        """Another part of the same story."""
        return self._replace(span_id=_draw(8))

    @property
    def traceparent(self) -> str:
        """As it goes out."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def _draw(size_bytes: int) -> str:
    return os.urandom(size_bytes).hex()  # never from a generator whose state a snapshot could hold


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current_trace() -> Trace | None:
    """The story of the work at hand; None: nobody has begun one."""
    return _current.get()


def begin_trace(traceparent: str | None = None, xray: str | None = None) -> Trace:
    """Go on with the story that the caller tells, else with X-Ray's, else begin one; in a part of its own."""
    told = Trace.read(traceparent)
    trace = told.part() if told else Trace.of_xray(xray) or Trace.new()
    _current.set(trace)
    return trace


@contextmanager
def following(traceparent: str | None) -> Iterator[None]:
    """For the time of a block work on another story, that of a job say; None: on the one at hand."""
    told = Trace.read(traceparent)
    before = _current.set(told.part()) if told else None
    try:
        yield
    finally:
        if before is not None:
            _current.reset(before)


def continued(traceparent: str | None = None) -> str | None:
    """What to send along, so that whoever receives it goes on with the story of `traceparent`, else with the current.

    The part at hand is named as the parent where it belongs to the same story. None: there is no story.
    """
    told, current = Trace.read(traceparent), _current.get()
    if told is None or (current is not None and current.trace_id == told.trace_id):
        return current.traceparent if current else None
    return told.traceparent
