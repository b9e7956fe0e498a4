"""List prices of us-east-1, each with its source. Check them before you rely on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

NOTED = date(2026, 11, 23)
"""Date of the prices. They are second-hand, because the pages could not be read on that day."""


@dataclass(frozen=True, slots=True)
class Price:
    """Price in US dollars per `unit`, in tiers: `(upper limit in units per month, dollars per unit)`.

    The last tier has no upper limit.
    """

    unit: str
    tiers: Sequence[tuple[float, float]]
    source: str

    def of(self, units: float) -> float:
        """Return the cost of `units` in one month, in US dollars."""
        dollars, below = 0.0, 0.0
        for up_to, unit_dollars in self.tiers:
            dollars += max(min(units, up_to) - below, 0.0) * unit_dollars
            below = up_to
        return dollars


def _flat(unit: str, each: float, source: str) -> Price:
    return Price(unit, ((float("inf"), each),), source)


_END = float("inf")
_LAMBDA, _S3 = "https://aws.amazon.com/lambda/pricing/", "https://aws.amazon.com/s3/pricing/"
_WATCH = "https://aws.amazon.com/cloudwatch/pricing/"

PRICES = {
    "api_call": Price(
        "call of a REST API",
        ((333e6, 3.50e-6), (1e9, 2.80e-6), (20e9, 2.38e-6), (_END, 1.51e-6)),
        "https://aws.amazon.com/api-gateway/pricing/",
    ),
    "socket_message": Price(
        "WebSocket message of up to 32 KB",
        ((1e9, 1.00e-6), (_END, 0.80e-6)),
        "https://aws.amazon.com/api-gateway/pricing/",
    ),
    "socket_minute": _flat("minute of a connection", 0.25e-6, "https://aws.amazon.com/api-gateway/pricing/"),
    "gb_second": Price(
        "GB-second of Lambda on arm64", ((7.5e9, 1.33334e-5), (18.75e9, 1.20001e-5), (_END, 1.06667e-5)), _LAMBDA
    ),
    "invocation": _flat("invocation", 0.20e-6, _LAMBDA),
    "scratch_gb_second": _flat("GB-second of scratch space over 512 MB", 3.09e-8, _LAMBDA),
    "sqs_request": Price(
        "request to a standard queue",
        ((1e6, 0.0), (100e9, 0.40e-6), (_END, 0.30e-6)),
        "https://aws.amazon.com/sqs/pricing/",
    ),
    "stored_gb": Price("GB stored for a month", ((50e3, 0.023), (500e3, 0.022), (_END, 0.021)), _S3),
    "put": _flat("PUT", 5e-6, _S3),
    "get": _flat("GET", 0.4e-6, _S3),
    "gb_out": Price(
        "GB to the Internet", ((100, 0.0), (10_240, 0.09), (51_200, 0.085), (153_600, 0.07), (_END, 0.05)), _S3
    ),
    "log_gb": _flat("GB of logs ingested", 0.50, _WATCH),
    "metric": Price("metric for a month", ((10e3, 0.30), (_END, 0.10)), _WATCH),
    "alarm": _flat("metric of an alarm", 0.10, _WATCH),
    "trace": Price("trace", ((100e3, 0.0), (_END, 5e-6)), "https://aws.amazon.com/xray/pricing/"),
    "secret": _flat("secret", 0.40, "https://aws.amazon.com/secrets-manager/pricing/"),
}


@dataclass(frozen=True, slots=True)
class ClusterTier:
    """Atlas cluster of three nodes on AWS: US dollars per hour, connections and processors per node."""

    name: str
    hourly: float
    connections: int
    processors: int


ATLAS_SOURCE = "https://www.mongodb.com/docs/atlas/reference/atlas-limits"
ATLAS = (
    ClusterTier("M10", 0.08, 1_500, 2),
    ClusterTier("M20", 0.20, 3_000, 2),
    ClusterTier("M30", 0.54, 3_000, 2),
    ClusterTier("M40", 1.04, 6_000, 4),
    ClusterTier("M50", 2.00, 16_000, 8),
    ClusterTier("M60", 3.95, 32_000, 16),
    ClusterTier("M80", 7.30, 96_000, 32),
)
"""Connections are from Atlas's page. Prices and processors are second-hand. M10 and M20 have shared processors."""
