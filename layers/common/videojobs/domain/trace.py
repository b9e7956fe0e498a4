"""Trace of the current work, as defined by W3C Trace Context.

https://www.w3.org/TR/trace-context/

A trace starts with a request. Every message, call to a provider and webhook that results from it carries the trace. The
job stores it too, so that a message that the reconciler sends again hours later belongs to the same trace.
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
    """Trace and span IDs: `trace_id` (32 hex digits), `span_id` (16) and `flags` (2), which are passed on unchanged."""

    trace_id: str
    span_id: str
    flags: str

    @classmethod
    def read(cls, traceparent: str | None) -> Self | None:
        """Return the trace of a version 00 `traceparent`, or None if it is missing, invalid or has another version."""
        match = _TRACEPARENT.fullmatch(traceparent or "")
        return cls(*match.groups()) if match else None

    @classmethod
    def of_xray(cls, header: str | None) -> Self | None:
        """Return a trace with the trace ID of an X-Ray header and a new span, or None if the header has no trace ID.

        A trace ID in a header: `Root=1-5759e988-bd862e3fe1be46a994272793`.
        """
        match = _XRAY_ROOT.search(header or "")
        return cls("".join(match.groups()), _draw(8), "01") if match else None

    @classmethod
    def new(cls) -> Self:
        """Return a new trace with random IDs."""
        return cls(_draw(16), _draw(8), "01")

    def part(self) -> Self:
        """Return the same trace with a new span."""
        return self._replace(span_id=_draw(8))

    @property
    def traceparent(self) -> str:
        """Return the trace as the value of a `traceparent` header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def _draw(size_bytes: int) -> str:
    return os.urandom(size_bytes).hex()  # not `random`: its state could be part of a Lambda snapshot


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current_trace() -> Trace | None:
    """Return the current trace, or None if none has been started."""
    return _current.get()


def begin_trace(traceparent: str | None = None, xray: str | None = None) -> Trace:
    """Set and return the current trace, in a new span: the caller's trace, else the X-Ray trace, else a new one."""
    caller = Trace.read(traceparent)
    trace = caller.part() if caller else Trace.of_xray(xray) or Trace.new()
    _current.set(trace)
    return trace


@contextmanager
def following(traceparent: str | None) -> Iterator[None]:
    """Use the trace of `traceparent`, in a new span, within a block.

    If it is None or invalid, the current trace does not change.
    """
    trace = Trace.read(traceparent)
    before = _current.set(trace.part()) if trace else None
    try:
        yield
    finally:
        if before is not None:
            _current.reset(before)


def continued(traceparent: str | None = None) -> str | None:
    """Return the `traceparent` to send with a message, so that its receiver continues the given or the current trace.

    The current span is the parent if it belongs to the same trace. Return None if there is no trace.
    """
    trace, current = Trace.read(traceparent), _current.get()
    if trace is None or (current is not None and current.trace_id == trace.trace_id):
        return current.traceparent if current else None
    return trace.traceparent
