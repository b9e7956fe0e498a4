"""The variants that are measured side by side, each made ready as it would be deployed."""

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
    """One way to build the two functions."""

    name: str
    title: str
    task_roots: dict[str, Path]
    """Function → the folder that Lambda would unpack at /var/task."""
    handlers: dict[str, str]
    layers: tuple[Path, ...]
    """The folders that a layer would add to `sys.path`."""


def prepare_variants() -> list[Variant]:
    """Build ours, install the peers; what is there already is left."""
    layer = build_system() / "CommonLayer" / "python"
    plain = _with_bytecode("plain", sorted(_PEERS.glob("*.py")))
    return [
        _ours("ours", "as built", layer),
        _ours("ours-source", "the same without bytecode", _without_bytecode(layer)),
        _peer("floor", "floor: the same libraries, none of our code", (layer, plain)),
        _peer("fastapi", "FastAPI + Mangum", (_install("fastapi", bytecode=True), plain)),
        _peer("chalice", "Chalice", (_install("chalice", bytecode=True), plain)),
        _peer("usual", "the usual stack", (_install("usual", bytecode=False),), bytecode=False),
    ]


def runtime_client() -> Path:
    """AWS's runtime client, which on Lambda is part of the runtime."""
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
    """The hash-pinned packages of a peer, as `sam build` would lay them beside its code."""
    requirements, target = _PEERS / name / "requirements.txt", HOME / "packages" / name
    stamp, wanted = target / ".installed", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return target
    shutil.rmtree(target, ignore_errors=True)
    command = [find_uv(HOME / "uv"), "pip", "install", "--quiet", "--python", str(INTERPRETER), "--target", str(target)]
    subprocess.run([*command, "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)], check=True)
    if bytecode:
        _compile(target)
    stamp.write_text(wanted)
    return target


def _compile(folder: Path) -> None:
    """Bytecode as our layers have it."""
    compiler = [str(INTERPRETER), "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiler, str(folder)], check=True)
