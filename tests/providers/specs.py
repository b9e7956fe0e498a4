"""OpenAPI descriptions of the providers, reduced to the calls that an adapter makes.

The descriptions belong to the providers and are not part of this repository. They are read from the folder in
`PROVIDER_SPECS`, by default `.local/specs`. Tests whose description is missing are skipped.

- `runway.json`: Runway's API reference, version 2024-11-06, https://docs.dev.runwayml.com/api
- `replicate.yaml`: Replicate's HTTP API, https://api.replicate.com/openapi.json
- `openai-videos.json`: the videos of https://github.com/openai/openai-openapi
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import yaml

_FOLDER = Path(os.environ.get("PROVIDER_SPECS", Path(__file__).resolve().parents[2] / ".local" / "specs"))


@dataclass(frozen=True)
class Spec:
    """File of a description, path of the server, paths that the adapter calls, and location of a wrong `oneOf`."""

    file: str
    prefix: str
    paths: Sequence[str]
    overlapping: Sequence[str] = ()


SPECS = {
    "runway": Spec("runway.json", "", ["/v1/text_to_video", "/v1/tasks/{id}"]),
    "replicate": Spec(
        "replicate.yaml",
        "/v1",
        [
            "/models/{model_owner}/{model_name}/predictions",
            "/predictions/{prediction_id}",
            "/predictions/{prediction_id}/cancel",
        ],
        # The version is any string, or the string "hidden". That one matches both, so `oneOf` would reject it.
        overlapping=["components", "schemas", "schemas_prediction_response", "properties", "version"],
    ),
    "openai_compatible": Spec(
        "openai-videos.json", "/v1", ["/videos", "/videos/{video_id}", "/videos/{video_id}/content"]
    ),
}


def cut(spec: Spec, folder: Path) -> Path:
    """Write the paths that the adapter calls into a file in `folder`, and return it; skip the test without a source.

    Runway's whole description takes Prism too long to read.
    """
    source = _FOLDER / spec.file
    if not source.exists():
        pytest.skip(f"{spec.file} is missing: set PROVIDER_SPECS to the folder of the published descriptions")
    description = yaml.safe_load(source.read_text())  # JSON is YAML too
    description["paths"] = {spec.prefix + path: description["paths"][path] for path in spec.paths}
    if spec.overlapping:
        place = reduce(getitem, spec.overlapping, description)
        place["anyOf"] = place.pop("oneOf")
    description["servers"] = [{"url": "/"}]
    written = folder / f"{source.stem}.json"
    written.write_text(json.dumps(description, default=str))
    return written
