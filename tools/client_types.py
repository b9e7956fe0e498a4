"""Generation of `web/videojobs.d.ts` from `web/videojobs.js`, with the TypeScript compiler.

The comments are written in `videojobs.d.ts`, because browsers load `videojobs.js` with all of its bytes. They are kept.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.node_packages import NPM, ROOT, NodeMissing, install_packages

CLIENT = ROOT / "web" / "videojobs.js"
DECLARATIONS = CLIENT.with_suffix(".d.ts")
STRICT = ("--strict", "--skipLibCheck", "--allowJs", "--target", "es2022", "--lib", "es2023,dom,dom.iterable")
"""Options of the TypeScript compiler for the client."""
_COMMENTED = re.compile(r"((?:^[ ]*/\*\*(?:(?!\*/).)*\*/\n)+)([^\n]+\n)", re.DOTALL | re.MULTILINE)
"""A comment and the line after it."""


def generate_types(modules: Path) -> str:
    """Return the declarations of the client. `modules` is the path of `node_modules` with TypeScript.

    Each declaration has the comment of the same line in the present `videojobs.d.ts`.

    Raises:
        subprocess.CalledProcessError: If the client has type errors.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ["--checkJs", "--declaration", "--emitDeclarationOnly", "--removeComments", "--outDir", folder]
        command: list[str | Path] = [modules / ".bin" / "tsc", *STRICT, *options, CLIENT]
        subprocess.run(command, check=True, capture_output=True, text=True)
        declarations = (Path(folder) / DECLARATIONS.name).read_text()
    comments = {line: comment for comment, line in _COMMENTED.findall(DECLARATIONS.read_text())}
    commented = (comments.get(line, "") + line for line in declarations.splitlines(keepends=True))
    return f'export type * from "./types.js";\n{"".join(commented)}'


if __name__ == "__main__":
    try:
        DECLARATIONS.write_text(generate_types(install_packages(NPM)))
    except NodeMissing as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(error.stdout)
