"""Generation of `web/videojobs.d.ts` from the comments in `web/videojobs.js`, with the TypeScript compiler."""

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
_REPEATED = re.compile(r"[ ]*/\*\*(?:(?!\*/).)*?@(?:typedef|type|import) (?:(?!\*/).)*\*/\n", re.DOTALL)
"""Comments with JSDoc types, which the compiler copies although it also writes the types as TypeScript."""


def generate_types(modules: Path) -> str:
    """Return the declarations of the client. `modules` is the path of `node_modules` with TypeScript.

    Raises:
        subprocess.CalledProcessError: If the client has type errors.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = [*STRICT, "--checkJs", "--declaration", "--emitDeclarationOnly", "--outDir", folder]
        command: list[str | Path] = [modules / ".bin" / "tsc", *options, CLIENT]
        subprocess.run(command, check=True, capture_output=True, text=True)
        declarations = (Path(folder) / DECLARATIONS.name).read_text()
    return f'export type * from "./types.js";\n{_REPEATED.sub("", declarations)}'


if __name__ == "__main__":
    try:
        DECLARATIONS.write_text(generate_types(install_packages(NPM)))
    except NodeMissing as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(error.stdout)
