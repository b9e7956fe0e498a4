"""Print the document."""

import json
import sys

from videojobs.api.openapi.document import build_document

if __name__ == "__main__":
    sys.stdout.write(json.dumps(build_document(), indent=2, ensure_ascii=False) + "\n")
