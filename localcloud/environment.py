"""Installation of the Python environments that everything else runs in; each `make` target calls it first.

It runs on the machine's own `python3` before anything is installed, so it uses only the standard library and syntax of
Python 3.9.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_VERSION = "3.13"
UV_REQUIREMENTS = ROOT / "requirements-uv.txt"
"""The version of uv and the hashes of its files."""


class SetupError(Exception):
    """Error for something missing that this module cannot install; the message says how to install it."""


@dataclass(frozen=True)
class Environment:
    """Virtual environment and its requirements file, which pins versions and hashes."""

    name: str
    folder: Path
    requirements: Path
    sources: tuple[Path, ...] = ()
    """Folders of the checkout whose packages are importable, as with an editable install."""

    @property
    def python(self) -> Path:
        """Return the path of the environment's interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Return the path of the file with the digest of the installed requirements; it is written last."""
        return self.folder / ".installed"

    def digest(self) -> str:
        """Return a digest of everything that determines the content of the environment, such as its requirements file.

        Raises:
            OSError: If the requirements file can't be read.
        """
        return hashlib.sha256(
            f"{PYTHON_VERSION} {self.folder} {self.sources}".encode() + self.requirements.read_bytes()
        ).hexdigest()

    def is_current(self) -> bool:
        """Return whether the interpreter exists and the last finished installation was of the current requirements.

        The installed packages are not checked, so packages that were added or removed by hand are not noticed.

        Raises:
            OSError: If the requirements file can't be read.
        """
        return self.python.exists() and self.stamp.exists() and self.stamp.read_text() == self.digest()


# MiniStack runs functions with its own interpreter and site-packages. Without the developer tools in them, a dependency
# that a layer does not declare is more likely to be missing, and noticed.
SOURCES = tuple(ROOT / "layers" / layer for layer in ("common", "media", "providers"))
ENVIRONMENTS = (
    Environment("developer tools", ROOT / ".venv", ROOT / "requirements-dev.txt", SOURCES),
    Environment("local cloud", ROOT / ".local" / "cloud", ROOT / "localcloud" / "requirements.txt"),
)
# Installed only for the audits, because checkov has many dependencies.
AUDITORS = Environment("auditors", ROOT / ".local" / "audit", ROOT / "requirements-audit.txt")
# Only sam, for the job that deploys: a package of the tests must not run where the credentials of the deployment are.
SAM = Environment("sam", ROOT / ".local" / "sam", ROOT / "requirements-sam.txt")


def ensure_environments(wanted: tuple[Environment, ...] = ENVIRONMENTS) -> None:
    """Create or update the environments that are not current, with the progress printed.

    Idempotent: when all are current, it takes milliseconds. Concurrent calls wait for each other.

    Raises:
        SetupError: If uv, Python or a package cannot be installed.
        OSError: If a requirements file can't be read.
    """
    if all(environment.is_current() for environment in wanted):
        return
    local = ROOT / ".local"
    local.mkdir(exist_ok=True)
    with (local / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        uv = find_uv(local / "uv")
        for environment in wanted:
            if not environment.is_current():
                install(environment, uv)


def find_uv(folder: Path) -> str:
    """Return the path of a working uv: the machine's, else the one in `folder`, installed from PyPI if it is missing.

    The hashes of the files that pip downloads are compared with requirements-uv.txt.

    Raises:
        SetupError: If uv cannot be installed.
    """
    own = folder / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        # A version manager's shim can be on PATH and still fail, so uv must print its version.
        if candidate and _succeeds([candidate, "--version"]):
            return candidate
    print("setup: installing uv", flush=True)
    options = pip_options(UV_REQUIREMENTS)
    if _succeeds([sys.executable, "-m", "pip", *options, "--target", str(folder)]):
        return str(own)
    shutil.rmtree(folder, ignore_errors=True)
    in_venv = str(folder / "bin" / "python")
    if _succeeds([sys.executable, "-m", "venv", str(folder)]) and _succeeds([in_venv, "-m", "pip", *options]):
        return str(own)
    shutil.rmtree(folder, ignore_errors=True)
    raise SetupError(
        "uv could not be installed: this python3 has neither pip nor venv, PyPI cannot be reached, or a hash differs.\n"
        "On Debian and Ubuntu:  apt-get install python3-venv\n"
        "On other systems:      install uv (https://docs.astral.sh/uv/) so that `uv --version` works"
    )


def pip_options(requirements: Path) -> list[str]:
    """Return the arguments with which pip installs pinned wheels, and fails if the hash of a file is not listed."""
    return ["install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--requirement", str(requirements)]


def install(environment: Environment, uv: str) -> None:
    """Install exactly the requirements of the environment with uv, and recreate it if its Python version is wrong.

    Packages that are not in the requirements are removed.

    Raises:
        SetupError: If Python or a package cannot be installed.
    """
    print(f"setup: installing {environment.name} in {environment.folder.relative_to(ROOT)}", flush=True)
    environment.stamp.unlink(missing_ok=True)
    if not _succeeds(
        [str(environment.python), "-c", f"import sys; assert sys.version.startswith('{PYTHON_VERSION}.')"]
    ):
        shutil.rmtree(environment.folder, ignore_errors=True)
        _run(
            [uv, "venv", "--quiet", "--python", PYTHON_VERSION, str(environment.folder)],
            f"Python {PYTHON_VERSION} was not found and could not be downloaded. "
            f"Install it so that `python{PYTHON_VERSION}` is on PATH, and try again.",
        )
    python, requirements = str(environment.python), str(environment.requirements)
    _run(
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, requirements],
        f"The packages for {environment.name} could not be installed. See the message of uv above. "
        "If PyPI could not be reached, run the command again later.",
    )
    if environment.sources:
        packages = environment.folder / "lib" / f"python{PYTHON_VERSION}" / "site-packages"
        (packages / "checkout.pth").write_text("".join(f"{source}\n" for source in environment.sources))
    environment.stamp.write_text(environment.digest())


_SETS = {"": ENVIRONMENTS, "auditors": (*ENVIRONMENTS, AUDITORS), "sam": (SAM,)}
"""Environments by the argument of the command line."""


def _run(command: list[str], hint: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError(hint)


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    try:
        ensure_environments(_SETS[sys.argv[1] if len(sys.argv) > 1 else ""])
    except SetupError as error:
        sys.exit(f"setup: {error}")
