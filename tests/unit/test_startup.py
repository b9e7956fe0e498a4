"""Garbage collector during init, in a process of its own."""

import os
import subprocess
import sys

import pytest

CODE = """
import gc
from videojobs import startup
during_init = gc.isenabled()
startup.finish()
print(during_init, gc.isenabled(), gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(("variables", "during_init"), [({"AWS_LAMBDA_FUNCTION_NAME": "status"}, False), ({}, True)])
def test_collections_are_suspended_only_during_the_init_phase_of_lambda(
    variables: dict[str, str], during_init: bool
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AWS_LAMBDA_FUNCTION_NAME"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    output = subprocess.run(
        [sys.executable, "-c", CODE], env=environment | variables, check=True, capture_output=True, text=True
    ).stdout
    assert output.split() == [str(during_init), "True", "True"]
