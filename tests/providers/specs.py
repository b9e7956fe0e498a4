"""The providers' own OpenAPI descriptions, cut to the calls that an adapter makes.

They are the providers', so they are no part of this repository. They are looked for in the folder that `PROVIDER_SPECS`
names, otherwise in `.local/specs`; where there is none, the tests that need them are skipped.

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
    """A file, the path of its server, those of its paths that an adapter calls, and where `oneOf` means `anyOf`."""

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
        # The version is any string, or the string "hidden": which is one too, so that it could never be said.
        overlapping=["components", "schemas", "schemas_prediction_response", "properties", "version"],
    ),
    "openai_compatible": Spec(
        "openai-videos.json", "/v1", ["/videos", "/videos/{video_id}", "/videos/{video_id}/content"]
    ),
}


def cut(spec: Spec, folder: Path) -> Path:
    """Write what an adapter needs of a description into `folder`: the whole of Runway's takes a server long to read."""
    source = _FOLDER / spec.file
    if not source.exists():
        pytest.skip(f"{spec.file} is not here: PROVIDER_SPECS names the folder of the published descriptions")
    read = yaml.safe_load(source.read_text())  # JSON is YAML too
    read["paths"] = {spec.prefix + path: read["paths"][path] for path in spec.paths}
    if spec.overlapping:
        place = reduce(getitem, spec.overlapping, read)
        place["anyOf"] = place.pop("oneOf")
    read["servers"] = [{"url": "/"}]
    written = folder / f"{source.stem}.json"
    written.write_text(json.dumps(read, default=str))
    return written
