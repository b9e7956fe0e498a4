"""Write docs/openapi.json, docs/reference/api.md and the generated parts of docs/asyncapi.yaml: `make apidocs`."""

import json
from pathlib import Path

from tools.apidocs.document import build_document
from tools.apidocs.live import refresh_live_document
from tools.apidocs.page import build_page

DOCS = Path(__file__).parents[2] / "docs"

if __name__ == "__main__":
    document = build_document()
    (DOCS / "openapi.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    (DOCS / "reference" / "api.md").write_text(build_page(document))
    live = DOCS / "asyncapi.yaml"
    live.write_text(refresh_live_document(live.read_text()))
