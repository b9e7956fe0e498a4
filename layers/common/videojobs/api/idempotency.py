"""The `Idempotency-Key` header: the caller's own name for a request, so that a repeat makes no second job.

After draft-ietf-httpapi-idempotency-key-header-07, with one key per user and 24 hours.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict

from videojobs.api.http import HttpRequest
from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.job import IdempotencyKey
from videojobs.domain.request import NewJob

HEADER = "Idempotency-Key"
MAXIMUM_LENGTH = 255
_PRINTABLE = re.compile(rf"[\x20-\x7e]{{1,{MAXIMUM_LENGTH}}}")


def read_idempotency_key(request: HttpRequest, jobs: Sequence[NewJob]) -> IdempotencyKey | None:
    """The key, with the SHA-256 of all that is asked for, in its order; None when the caller sent none.

    Two bodies that ask for the same (`8` and `8.0` seconds, fields in another order) have the same fingerprint.

    Raises:
        ValidationFailed: the key is empty, too long, or not printable ASCII, or there are two.
    """
    values = request.headers.get(HEADER.lower(), ())
    if not values:
        return None
    if len(values) > 1 or not _PRINTABLE.fullmatch(values[0]):
        rule = f"Must be one header of 1 to {MAXIMUM_LENGTH} printable ASCII characters."
        raise ValidationFailed([ErrorDetail(HEADER, rule)])
    asked_for = json.dumps([_asked_for(job) for job in jobs], sort_keys=True)
    return IdempotencyKey(values[0], hashlib.sha256(asked_for.encode()).hexdigest())


def _asked_for(job: NewJob) -> dict[str, object]:
    """What was said; a field that was left out leaves the fingerprint as it was before there was such a field."""
    said = asdict(job) | {"duration": float(job.duration)}
    return {name: value for name, value in said.items() if value is not None}
