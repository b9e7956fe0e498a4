"""Server of the functions of one commit, for `test_versions.py`. Reads a call and writes a response per line, as JSON.

Usage: `python other_version.py TREE`. TREE contains `functions/` and `layers/` of the commit. The server depends only
on the handlers in `functions/<name>/app.py`, which every commit has.
"""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace


def load(tree: Path, function: str) -> ModuleType:
    """Import the module of a function from the tree, and return it."""
    spec = importlib.util.spec_from_file_location(f"{function}_app", tree / "functions" / function / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(tree: Path) -> None:
    """Invoke a handler for each line of the input, until it ends."""
    responses, sys.stdout = sys.stdout, sys.stderr  # logs must not mix with the responses
    sys.path[:0] = [str(tree / "layers" / layer) for layer in ("common", "media", "providers")]
    loaded: dict[str, ModuleType] = {}
    for line in sys.stdin:
        call = json.loads(line)
        function = call["function"]
        app = loaded.setdefault(function, loaded.get(function) or load(tree, function))
        context = SimpleNamespace(
            function_name=function,
            function_version="1",
            memory_limit_in_mb=512,
            invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{function}:live",
            aws_request_id="00000000-0000-0000-0000-000000000000",
            get_remaining_time_in_millis=lambda: 20_000,
        )
        print(json.dumps(app.handler(call["event"], context)), file=responses, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
