"""Python environments: when they are created again."""

from pathlib import Path

import pytest

from localcloud.environment import Environment


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
