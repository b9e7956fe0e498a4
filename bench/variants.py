"""Variants of the two functions that are compared, each prepared as it would be deployed."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.build_output import build_system
from bench.paths import HOME, INTERPRETER, SOURCES
from localcloud.environment import find_uv

FUNCTIONS = {"generate": "GenerateFunction", "status": "StatusFunction"}
_PEERS = SOURCES / "peers"
_MADE = HOME / "variants"


@dataclass(frozen=True, slots=True)
class Variant:
    """Implementation of the functions `generate` and `status`, this project's or a framework's, as it is deployed.

    Its code and its layers are in folders as Lambda would unpack them.
    """

    name: str
    title: str
    task_roots: dict[str, Path]
    """Folder that Lambda would unpack at /var/task, by function."""
    handlers: dict[str, str]
    layers: tuple[Path, ...]
    """Folders that the layers would add to `sys.path`."""


def prepare_variants() -> list[Variant]:
    """Build this project's variants, install the packages of the peers with uv, and return all variants.

    Peers are implementations with other frameworks, for comparison. Packages that are already installed are kept.

    Raises:
        LocalCloudError: If the build fails.
        SetupError: If uv is missing and cannot be installed.
        CalledProcessError: If packages cannot be installed or compiled.
    """
    layer = build_system() / "CommonLayer" / "python"
    plain = _with_bytecode("plain", sorted(_PEERS.glob("*.py")))
    return [
        _ours("ours", "as built", layer),
        _ours("ours-source", "as built, without bytecode", _without_bytecode(layer)),
        _peer("floor", "floor", (layer, plain)),
        _peer("fastapi", "FastAPI + Mangum", (_install("fastapi", bytecode=True), plain)),
        _peer("chalice", "Chalice", (_install("chalice", bytecode=True), plain)),
        _peer("usual", "the usual stack", (_install("usual", bytecode=False),), bytecode=False),
    ]


def runtime_client() -> Path:
    """Install AWS's runtime client, which on Lambda is part of the runtime, and return its folder.

    Raises:
        SetupError: If uv is missing and cannot be installed.
        CalledProcessError: If the packages cannot be installed or compiled.
    """
    return _install("runtime", bytecode=True)


def _ours(name: str, title: str, layer: Path) -> Variant:
    roots = {function: build_system() / logical for function, logical in FUNCTIONS.items()}
    return Variant(name, title, roots, dict.fromkeys(FUNCTIONS, "app.handler"), (layer,))


def _peer(name: str, title: str, layers: tuple[Path, ...], *, bytecode: bool = True) -> Variant:
    sources = sorted((_PEERS / name).glob("*.py"))
    root = _with_bytecode(name, sources) if bytecode else _copied(name, sources)
    handlers = {function: f"{function}.handler" for function in FUNCTIONS}
    return Variant(name, title, dict.fromkeys(FUNCTIONS, root), handlers, layers)


def _copied(name: str, sources: list[Path]) -> Path:
    target = _MADE / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source in sources:
        shutil.copy(source, target)
    return target


def _with_bytecode(name: str, sources: list[Path]) -> Path:
    target = _copied(name, sources)
    _compile(target)
    return target


def _without_bytecode(layer: Path) -> Path:
    target = _MADE / "ours-source"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(layer, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def _install(name: str, *, bytecode: bool) -> Path:
    """Install the hash-pinned packages of a peer into one folder, as `sam build` does, and return the folder."""
    requirements, target = _PEERS / name / "requirements.txt", HOME / "packages" / name
    stamp, digest = target / ".installed", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return target
    shutil.rmtree(target, ignore_errors=True)
    command = [find_uv(HOME / "uv"), "pip", "install", "--quiet", "--python", str(INTERPRETER), "--target", str(target)]
    subprocess.run([*command, "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)], check=True)
    if bytecode:
        _compile(target)
    stamp.write_text(digest)
    return target


def _compile(folder: Path) -> None:
    """Compile to bytecode with the same settings as the layers."""
    compiler = [str(INTERPRETER), "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiler, str(folder)], check=True)
