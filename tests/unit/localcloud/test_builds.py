"""Build of a small application with sam, and of only its parts that changed."""

import json
from pathlib import Path

import pytest

from localcloud.builds import build
from localcloud.config import CloudConfig

ROOT = Path(__file__).resolve().parents[3]
SAMCONFIG = """
version = 0.1
[local.build.parameters]
cached = false
"""
LAYER = {
    "Type": "AWS::Serverless::LayerVersion",
    "Metadata": {"BuildMethod": "makefile", "WorkingDirectory": {"Fn::Sub": "layers/platform/${Architecture}"}},
    "Properties": {"ContentUri": "layers/common", "CompatibleRuntimes": ["python3.13"]},
}
FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {"CodeUri": "functions/status", "Runtime": "python3.13", "Handler": "app.handler"},
}
MAKEFILE = """
build-Layer:
\t@mkdir -p $(ARTIFACTS_DIR)/python
\t@cat platform.txt $(dir $(abspath $(lastword $(MAKEFILE_LIST))))code.py > $(ARTIFACTS_DIR)/python/code.py
"""


def write(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> CloudConfig:
    """Return the configuration of a checkout that `sam build` has built."""
    root = tmp_path_factory.mktemp("checkout")
    (root / ".venv").symlink_to(ROOT / ".venv")
    function, other = FUNCTION, FUNCTION | {"Properties": FUNCTION["Properties"] | {"CodeUri": "functions/jobs"}}
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Architecture": {"Type": "String", "Default": "none"}},
        "Resources": {"Layer": LAYER, "StatusFunction": function, "JobsFunction": other},
    }
    write(root, "template.yaml", json.dumps(template))
    write(root, "samconfig.toml", SAMCONFIG)
    write(root, "layers/common/Makefile", MAKEFILE)
    write(root, "layers/common/code.py", "layer = 1\n")
    for architecture in ("x86_64", "arm64"):
        write(root, f"layers/platform/{architecture}/platform.txt", f"# {architecture}\n")
    for name in ("status", "jobs"):
        write(root, f"functions/{name}/app.py", "function = 1\n")
    config = CloudConfig(root=root, state=root / ".local")
    build(config)
    return config


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_only_changed_functions_and_layers_are_built_and_equal_a_complete_build(built: CloudConfig) -> None:
    write(built.root, "functions/status/app.py", "function = 2\n")
    write(built.root, "layers/common/code.py", "layer = 2\n")
    kept = built.build / "JobsFunction" / "of-the-first-build"
    kept.touch()

    build(built)

    assert kept.exists()  # `sam build` deletes the folder first
    kept.unlink()
    parts = contents(built.build)
    (built.build / "inputs.json").unlink()
    build(built)
    assert parts == contents(built.build)


@pytest.mark.parametrize("name", ["layers/platform/x86_64/platform.txt", "functions/new/app.py"])
def test_a_change_that_all_parts_share_makes_a_complete_build(built: CloudConfig, name: str) -> None:
    kept = built.build / "JobsFunction" / "of-the-first-build"
    kept.touch()
    path = built.root / name
    write(built.root, name, (path.read_text() if path.exists() else "") + "\n")

    build(built)

    assert not kept.exists()


def test_nothing_is_built_without_a_change(built: CloudConfig) -> None:
    build(built)
    log = built.logs / "build.log"
    log.unlink()

    build(built)

    assert not log.exists()
