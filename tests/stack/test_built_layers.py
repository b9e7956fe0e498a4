"""What `sam build` made: it loads without anything else, its bytecode is used, and it is small enough."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.parsed import FUNCTIONS
from videojobs.adapters.providers import AI_PROVIDERS

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".aws-sam" / "build"
COMMON = BUILD / "CommonLayer" / "python"
MEDIA = BUILD / "MediaLayer" / "python"
PROVIDERS = BUILD / "ProvidersLayer" / "python"
MAGIC, UNCHECKED_HASH = slice(0, 4), slice(4, 8)  # PEP 552

pytestmark = pytest.mark.usefixtures("stack")  # it was built to be deployed


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _run_alone(code: str, *paths: Path) -> str:
    """Run code in a fresh Python that sees the standard library and these folders, and nothing of this environment."""
    prelude = f"import sys; sys.path[:0] = {[str(path) for path in paths]}; "
    command = [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", prelude + code]
    environment = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_loads_from_its_layers_alone(name: str) -> None:
    folder = BUILD / f"{name.capitalize()}Function"
    layers = [COMMON, MEDIA, PROVIDERS] if name == "render" else [COMMON]
    layers += [PROVIDERS] if name in {"callbacks", "worker"} else []
    assert _run_alone("import app; print(callable(app.handler))", folder, *layers).strip() == "True"


IMPORT_ALL = """
import importlib, pkgutil, videojobs
names = [found.name for found in pkgutil.walk_packages(videojobs.__path__, 'videojobs.')]
names = [name for name in names if with_all or not name.startswith(NEEDS_MORE)]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


NEEDS_MORE = tuple(
    f"videojobs.adapters.{name}"
    for name in ("bedrock_calls", "callbacks.", "media", "rest.", *(f"providers.{each}" for each in AI_PROVIDERS))
)
"""Modules that stand on a layer which not every function has; what names them imports them on demand."""


@pytest.mark.parametrize("with_all", [False, True])
def test_every_module_loads_from_the_layers_alone(with_all: bool) -> None:
    layers = [COMMON, MEDIA, PROVIDERS] if with_all else [COMMON]
    told = f"with_all, NEEDS_MORE = {with_all}, {NEEDS_MORE}\n"
    assert int(_run_alone(told + IMPORT_ALL, *layers)) > 30


def test_what_was_cut_out_of_boto3_is_not_missed() -> None:
    code = "import boto3; print(boto3.client('s3').meta.service_model.service_name)"
    assert _run_alone(code, COMMON).strip() == "s3"


@pytest.mark.parametrize("layer", [COMMON, MEDIA, PROVIDERS])
def test_every_module_has_bytecode_that_this_python_reads_without_a_look_at_the_source(layer: Path) -> None:
    sources = list(layer.rglob("*.py"))
    assert sources
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        assert compiled[MAGIC] == importlib.util.MAGIC_NUMBER, source
        assert compiled[UNCHECKED_HASH] == b"\1\0\0\0", source


def test_the_common_layer_is_small() -> None:
    assert _size_bytes(COMMON) <= 32_000_000


def test_render_fits_into_a_lambda_function() -> None:
    assert _size_bytes(COMMON) + _size_bytes(MEDIA) < 250 * 1024 * 1024


def test_no_layer_carries_what_only_a_developer_needs() -> None:
    names = {path.name for layer in (COMMON, MEDIA) for path in layer.iterdir()}
    assert names.isdisjoint({"pytest", "moto", "mypy_boto3_s3", "secantus", "ministack", "Makefile", "pip"})
