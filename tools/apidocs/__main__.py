"""Write docs/openapi.json, and the generated parts of docs/asyncapi.yaml: `make apidocs`."""

import json
from pathlib import Path

from tools.apidocs.document import build_document
from tools.apidocs.live import refresh_live_document

DOCS = Path(__file__).parents[2] / "docs"

if __name__ == "__main__":
    (DOCS / "openapi.json").write_text(json.dumps(build_document(), indent=2, ensure_ascii=False) + "\n")
    live = DOCS / "asyncapi.yaml"
    live.write_text(refresh_live_document(live.read_text()))
