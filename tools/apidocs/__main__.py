"""Write docs/openapi.json: `make apidocs`."""

import json
from pathlib import Path

from tools.apidocs.document import build_document

DOCS = Path(__file__).parents[2] / "docs"

if __name__ == "__main__":
    (DOCS / "openapi.json").write_text(json.dumps(build_document(), indent=2, ensure_ascii=False) + "\n")
