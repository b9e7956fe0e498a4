"""Build of the functions and layers: a complete `sam build`, or only the parts that changed since the last build."""

import fcntl
import hashlib
import json
import platform
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcloud.aws import tool_environment
from localcloud.config import CloudConfig
from localcloud.processes import run_tool
from localcloud.template import read_template

ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
"""Value of the parameter `Architecture` for this machine."""
BUILD_INPUTS = ("template.yaml", "infrastructure", "samconfig.toml", "functions", "layers")
"""Files and folders that a build depends on; a missing one counts as empty."""
_STAMP = "inputs.json"
_NOWHERE = "http://127.0.0.1:1"  # a build does not call AWS


def build(config: CloudConfig) -> None:
    """Update the build folder, unless its inputs have not changed. The output of the tools is written to `build.log`.

    If only folders of functions and layers have changed, exactly these are built, as `sam build` does it: a function
    without requirements is copied, and a layer is made by its Makefile. Otherwise `sam build` runs. Its own cache is
    off: it compares only the folder of a layer itself, not the files that its Makefile includes.

    The caller holds the lock of `build_folder`.

    Raises:
        CommandFailedError: If sam or make fails.
    """
    stamp = config.build / _STAMP
    built: dict[str, str] = json.loads(stamp.read_text()) if stamp.exists() else {}
    parts = _parts(config.root)
    current = _digests(config, parts)
    changed = {part for part in current.keys() | built.keys() if current.get(part) != built.get(part)}
    if not changed:
        return
    stamp.unlink(missing_ok=True)  # an interrupted build must be complete the next time
    if built and changed <= parts.keys():
        for part in sorted(changed):
            _build_part(config, part, *parts[part])
    else:
        _build_all(config)
    stamp.write_text(json.dumps(current))


@contextmanager
def build_folder(config: CloudConfig) -> Iterator[None]:
    """Hold the lock of the build folder, which every local system of the checkout shares, during the block.

    While another process holds the lock, wait without a time limit.
    """
    config.build.parent.mkdir(parents=True, exist_ok=True)
    with (config.build.parent / "localcloud.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def input_files(root: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files with these names or in folders with these names, in a fixed order and without bytecode."""
    for name in names:
        top = root / name
        paths = [top] if top.is_file() else sorted(top.rglob("*"))
        yield from (path for path in paths if path.is_file() and "__pycache__" not in path.parts)


def _parts(root: Path) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the logical ID and the resource of each function and layer, by its folder."""
    resources: Mapping[str, Any] = read_template(root / "template.yaml")["Resources"]
    return {
        properties[key]: (name, resource)
        for name, resource in resources.items()
        if isinstance(resource, dict)
        for properties in [resource.get("Properties", {})]
        for key in ("CodeUri", "ContentUri")
        if key in properties
    }


def _digests(config: CloudConfig, parts: Mapping[str, object]) -> dict[str, str]:
    """Return the digest of the inputs of each part, and under the name "" of those that all parts share."""
    digests: defaultdict[str, hashlib._Hash] = defaultdict(hashlib.sha256)
    tools = config.tools.parent / ".installed"
    digests[""].update(tools.read_bytes() if tools.exists() else b"")
    for path in input_files(config.root, BUILD_INPUTS):
        name = path.relative_to(config.root)
        part = next((part for part in parts if name.is_relative_to(part)), "")
        digests[part].update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return {part: digest.hexdigest() for part, digest in digests.items()}


def _build_all(config: CloudConfig) -> None:
    command = ["sam", "build", "--config-env", "local", "--build-dir", str(config.build)]
    _run(config, [*command, "--parameter-overrides", f"Architecture={ARCHITECTURE}"], config.root)


def _build_part(config: CloudConfig, part: str, name: str, resource: Mapping[str, Any]) -> None:
    source, target = config.root / part, config.build / name
    shutil.rmtree(target, ignore_errors=True)
    metadata = resource.get("Metadata", {})
    if metadata.get("BuildMethod") != "makefile":
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        return
    folder = metadata["WorkingDirectory"]["Fn::Sub"].replace("${Architecture}", ARCHITECTURE)
    target.mkdir()
    command = ["make", "--makefile", str(source / "Makefile"), f"build-{name}", f"ARTIFACTS_DIR={target}"]
    _run(config, command, config.root / folder)


def _run(config: CloudConfig, command: list[str], folder: Path) -> None:
    environment, log = tool_environment(config, _NOWHERE), config.logs / "build.log"
    run_tool(command, environment=environment, cwd=folder, log=log, state=config.state)
