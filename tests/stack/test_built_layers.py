"""Output of `sam build`: it loads in isolation, its bytecode is used, and it is within the size limits."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.parsed import FUNCTIONS
from videojobs_providers import AI_PROVIDERS

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".aws-sam" / "build"
COMMON = BUILD / "CommonLayer" / "python"
MEDIA = BUILD / "MediaLayer" / "python"
PROVIDERS = BUILD / "ProvidersLayer" / "python"
MAGIC, UNCHECKED_HASH = slice(0, 4), slice(4, 8)  # PEP 552

pytestmark = pytest.mark.usefixtures("stack")  # `stack` runs the build


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _run_alone(code: str, *paths: Path) -> str:
    """Run code in a new Python process that finds only the standard library and these folders. Return its output."""
    prelude = f"import sys; sys.path[:0] = {[str(path) for path in paths]}; "
    command = [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", prelude + code]
    environment = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert process.returncode == 0, process.stderr
    return process.stdout


LOAD_EACH = """
import os
import aws_lambda_powertools, boto3, pydantic, pymongo
failed = []
for name, folder in folders.items():
    if os.fork() == 0:
        sys.path.insert(0, folder)
        import app
        print(name, callable(app.handler), flush=True)
        os._exit(0)
    if os.wait()[1]:
        failed.append(name)
sys.exit(failed or 0)
"""
"""Load each function in its own process. The largest packages of the layers are loaded before, once for all."""
WITH_PROVIDERS = {"callbacks", "worker"}


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        ({"render"}, [COMMON, MEDIA, PROVIDERS]),
        (WITH_PROVIDERS, [COMMON, PROVIDERS]),
        (set(FUNCTIONS) - WITH_PROVIDERS - {"render"}, [COMMON]),
    ],
    ids=["render", "with providers", "others"],
)
def test_each_function_loads_with_its_layers_only(names: set[str], layers: list[Path]) -> None:
    folders = {name: str(BUILD / f"{name.capitalize()}Function") for name in sorted(names)}
    output = _run_alone(f"folders = {folders}\n{LOAD_EACH}", *layers)
    assert output.splitlines() == [f"{name} True" for name in folders]


IMPORT_ALL = """
import importlib, pkgutil, videojobs
names = [module.name for module in pkgutil.walk_packages(videojobs.__path__, 'videojobs.')]
names = [name for name in names if with_all or not name.startswith(NEEDS_MORE)]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


NEEDS_MORE = tuple(
    f"videojobs.adapters.{name}"
    for name in (
        "bedrock_calls",
        "callbacks.",
        "media",
        "rest.",
        *(f"providers.{provider}" for provider in AI_PROVIDERS),
    )
)
"""Modules that require a layer which only some functions have. Their callers import them on demand."""


@pytest.mark.parametrize("with_all", [False, True])
def test_every_module_loads_from_the_layers_only(with_all: bool) -> None:
    layers = [COMMON, MEDIA, PROVIDERS] if with_all else [COMMON]
    settings = f"with_all, NEEDS_MORE = {with_all}, {NEEDS_MORE}\n"
    assert int(_run_alone(settings + IMPORT_ALL, *layers)) > 30


def test_boto3_without_its_removed_data_still_creates_clients() -> None:
    code = "import boto3; [boto3.client(name, region_name='us-east-1') for name in ('s3', 'secretsmanager', 'sqs')]"
    assert _run_alone(code, COMMON) == ""


@pytest.mark.parametrize("layer", [COMMON, MEDIA, PROVIDERS])
def test_every_module_has_current_unchecked_bytecode(layer: Path) -> None:
    sources = list(layer.rglob("*.py"))
    assert sources
    for source in sources:
        name = f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        compiled = (source.parent / "__pycache__" / name).read_bytes()
        assert compiled[MAGIC] == importlib.util.MAGIC_NUMBER, source
        assert compiled[UNCHECKED_HASH] == b"\1\0\0\0", source


def test_common_layer_is_at_most_32_mb() -> None:
    assert _size_bytes(COMMON) <= 32_000_000


def test_layers_of_render_fit_lambdas_limit_of_250_mib() -> None:
    assert sum(map(_size_bytes, (COMMON, MEDIA, PROVIDERS))) < 250 * 1024 * 1024


def test_layers_contain_no_development_tools() -> None:
    names = {path.name for layer in (COMMON, MEDIA) for path in layer.iterdir()}
    assert names.isdisjoint({"pytest", "moto", "mypy_boto3_s3", "secantus", "ministack", "Makefile", "pip"})
