"""Parser of JSON bodies that does not fail for any input."""

import json
from typing import Any


def parse_json(content: bytes) -> Any:
    """Return the JSON value of a body, or None if it is not JSON or is nested too deeply.

    A leading byte order mark is dropped. `NaN` and `Infinity`, which are not JSON, become None, so that the other
    fields of the response can be used.
    """
    try:
        return json.loads(content, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
