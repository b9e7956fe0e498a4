"""Python environments: when they are created again, and the hashes of the tool that installs them."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from localcloud.environment import UV_REQUIREMENTS, Environment, pip_options


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("a==1\n")
    created = Environment("tools", tmp_path / "venv", requirements)
    created.python.parent.mkdir(parents=True)
    created.python.touch()
    created.stamp.write_text(created.digest())
    return created


def test_an_environment_with_the_required_packages_is_current(environment: Environment) -> None:
    assert environment.is_current()


def test_changed_requirements_make_the_environment_outdated(environment: Environment) -> None:
    environment.requirements.write_text("a==2\n")

    assert not environment.is_current()


def test_an_interrupted_installation_makes_the_environment_outdated(environment: Environment) -> None:
    environment.stamp.unlink()

    assert not environment.is_current()


def test_a_missing_interpreter_makes_the_environment_outdated(environment: Environment) -> None:
    environment.python.unlink()

    assert not environment.is_current()


def test_uv_is_not_installed_from_a_file_with_another_hash(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "uv-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("uv-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 1.0\n")
        wheel.writestr("uv-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"uv==1.0 --hash=sha256:{'0' * 64}\n")
    offline = ["--no-index", "--find-links", str(tmp_path), "--target", str(tmp_path / "uv")]

    command = [sys.executable, "-m", "pip", *pip_options(requirements), *offline]
    installation = subprocess.run(command, capture_output=True, text=True, check=False)

    assert installation.returncode != 0
    assert "DO NOT MATCH THE HASHES" in installation.stderr
    assert not (tmp_path / "uv").exists()


def test_uv_has_one_version_and_its_hashes() -> None:
    requirements = UV_REQUIREMENTS.read_text()

    assert len(re.findall(r"^\S+==[\d.]+ ", requirements, re.MULTILINE)) == 1
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", requirements)) > 10
