"""Lock files of the dependencies, with hashes: one requirements file for each group of pyproject.toml."""

import subprocess
from pathlib import Path

from localcloud.environment import PYTHON_VERSION, find_uv
from localcloud.errors import CommandFailedError

# The layers and the environment that deploys use the versions of the development group, with which the tests run.
_CONSTRAINED_BY = {"common": "dev", "media": "dev", "providers": "dev", "sam": "dev"}
_FILES = {
    "dev": "requirements-dev.txt",
    "common": "layers/common/requirements.txt",
    "media": "layers/media/requirements.txt",
    "providers": "layers/providers/requirements.txt",
    "localcloud": "localcloud/requirements.txt",
    "audit": "requirements-audit.txt",
    "sam": "requirements-sam.txt",
    "uv": "requirements-uv.txt",
}


def lock_requirements(root: Path) -> None:
    """Write all requirements files with the newest versions that pyproject.toml allows, and print the name of each.

    Raises:
        CommandFailedError: If uv cannot resolve a group; uv has printed the reason. Earlier files are already written.
        SetupError: If uv is missing and cannot be installed.
    """
    uv = find_uv(root / ".local" / "uv")
    for group, file in _FILES.items():
        command = [uv, "pip", "compile", "--quiet", "--upgrade", "pyproject.toml", "--group", group, "--no-header"]
        command += ["--generate-hashes", "--no-emit-index-url", "--python-version", PYTHON_VERSION]
        command += ["--output-file", file]
        if group in _CONSTRAINED_BY:
            command += ["--constraints", _FILES[_CONSTRAINED_BY[group]]]
        if subprocess.run(command, cwd=root, check=False).returncode != 0:
            raise CommandFailedError(f"Could not write {file}. See the message of uv above.")
        print(f"locked {file}")
