"""When a Python environment is made or left alone."""

from pathlib import Path

import pytest

from localcloud.environment import Environment


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("a==1\n")
    made = Environment("tools", tmp_path / "venv", requirements)
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    made.stamp.write_text(made.digest())
    return made


def test_an_environment_that_holds_what_is_required_is_left_alone(environment: Environment) -> None:
    assert environment.is_current()


def test_new_requirements_make_it_stale(environment: Environment) -> None:
    environment.requirements.write_text("a==2\n")

    assert not environment.is_current()


def test_an_installation_that_was_cut_off_is_made_again(environment: Environment) -> None:
    environment.stamp.unlink()

    assert not environment.is_current()


def test_an_environment_without_its_interpreter_is_made_again(environment: Environment) -> None:
    environment.python.unlink()

    assert not environment.is_current()
