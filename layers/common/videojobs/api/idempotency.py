"""The `Idempotency-Key` header, with which a repeated request creates no second job.

Implements draft-ietf-httpapi-idempotency-key-header-07. Keys belong to one user and are valid for 24 hours.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from videojobs.api.http import HttpRequest
from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.job import IdempotencyKey
from videojobs.domain.request import NewJob, Resolution

HEADER = "Idempotency-Key"
MAXIMUM_LENGTH = 255
_UNSET: Mapping[str, object] = {"sound": False, "resolution": Resolution.P720}
"""Defaults, other than None, of the fields that were added later. A request with such a value is equivalent."""
_PRINTABLE = re.compile(rf"[\x20-\x7e]{{1,{MAXIMUM_LENGTH}}}")


def read_idempotency_key(request: HttpRequest, jobs: Sequence[NewJob]) -> IdempotencyKey | None:
    """Return the key with the SHA-256 fingerprint of the requested jobs, or None if the caller sent no key.

    Equivalent bodies (`8` and `8.0` seconds, or fields in another order) have the same fingerprint. The order of the
    jobs in a batch matters.

    Raises:
        ValidationFailed: If the key is empty, too long or not printable ASCII, or if there are several keys.
    """
    values = request.headers.get(HEADER.lower(), ())
    if not values:
        return None
    if len(values) > 1 or not _PRINTABLE.fullmatch(values[0]):
        rule = f"Must be a single header with 1 to {MAXIMUM_LENGTH} printable ASCII characters."
        raise ValidationFailed([ErrorDetail(HEADER, rule)])
    canonical = json.dumps([_fingerprinted_fields(job) for job in jobs], sort_keys=True)
    return IdempotencyKey(values[0], hashlib.sha256(canonical.encode()).hexdigest())


def _fingerprinted_fields(job: NewJob) -> dict[str, object]:
    """Return the fields for a fingerprint, without unset ones: a new optional field must not change fingerprints."""
    fields = job._asdict() | {"duration": float(job.duration)}
    return {name: value for name, value in fields.items() if value != _UNSET.get(name)}
