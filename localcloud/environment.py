"""Makes the Python environments that everything else runs in; the first thing `make` calls on a fresh machine.

Runs on whatever `python3` the machine has, before anything is installed, so it keeps to the standard library
and to syntax that Python 3.9 reads.
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
UV_VERSION = "0.13.9"


class SetupError(Exception):
    """Something is missing that this module cannot get; the message names the command that does."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment and the hash-pinned file that says what is in it."""

    name: str
    folder: Path
    requirements: Path
    sources: tuple[Path, ...] = ()
    """A folder of the checkout whose packages are to be importable, as an editable install would make them."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Holds the digest of the requirements that were installed; written last."""
        return self.folder / ".installed"

    def digest(self) -> str:
        """Digest of all that decides what the environment holds."""
        return hashlib.sha256(
            f"{PYTHON_VERSION} {self.folder} {self.sources}".encode() + self.requirements.read_bytes()
        ).hexdigest()

    def is_current(self) -> bool:
        """Whether the environment already holds exactly what its requirements say."""
        return self.python.exists() and self.stamp.exists() and self.stamp.read_text() == self.digest()


# MiniStack runs functions with its own interpreter, site-packages included: apart from the developer's tools, a
# dependency that a layer forgot to declare has fewer places to hide.
SOURCES = (ROOT / "layers" / "common", ROOT / "layers" / "media")
ENVIRONMENTS = (
    Environment("developer tools", ROOT / ".venv", ROOT / "requirements-dev.txt", SOURCES),
    Environment("local cloud", ROOT / ".local" / "cloud", ROOT / "localcloud" / "requirements.txt"),
)
# Made for who asks for it: a checkov with all that it brings is not needed to see a video.
AUDITORS = Environment("auditors", ROOT / ".local" / "audit", ROOT / "requirements-audit.txt")


def ensure_environments(wanted: tuple[Environment, ...] = ENVIRONMENTS) -> None:
    """Make or update what is not as its requirements say; a no-op takes milliseconds."""
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
    """The path of a uv that runs: the machine's, else one of our own from PyPI in `folder`."""
    own = folder / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        # A version manager's shim can be on PATH and still fail: only one that answers counts.
        if candidate and _succeeds([candidate, "--version"]):
            return candidate
    print(f"set-up: getting uv {UV_VERSION}", flush=True)
    wanted = f"uv=={UV_VERSION}"
    if _succeeds([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), wanted]):
        return str(own)
    shutil.rmtree(folder, ignore_errors=True)
    in_venv = str(folder / "bin" / "python")
    if _succeeds([sys.executable, "-m", "venv", str(folder)]) and _succeeds(
        [in_venv, "-m", "pip", "install", "--quiet", wanted]
    ):
        return str(own)
    shutil.rmtree(folder, ignore_errors=True)
    raise SetupError(
        "uv is needed, and this python3 can't install it: it has neither pip nor venv, or PyPI is out of reach.\n"
        "On Debian and Ubuntu:  apt-get install python3-venv\n"
        "Anywhere else:         install uv (https://docs.astral.sh/uv/) and see that `uv --version` answers"
    )


def install(environment: Environment, uv: str) -> None:
    """Bring one environment to exactly what its requirements say."""
    print(f"set-up: {environment.name} in {environment.folder.relative_to(ROOT)}", flush=True)
    environment.stamp.unlink(missing_ok=True)
    if not _succeeds(
        [str(environment.python), "-c", f"import sys; assert sys.version.startswith('{PYTHON_VERSION}.')"]
    ):
        shutil.rmtree(environment.folder, ignore_errors=True)
        _run(
            [uv, "venv", "--quiet", "--python", PYTHON_VERSION, str(environment.folder)],
            f"Python {PYTHON_VERSION} is needed and could neither be found nor downloaded; install it, by any way "
            f"that puts `python{PYTHON_VERSION}` on PATH, and try again",
        )
    python, requirements = str(environment.python), str(environment.requirements)
    _run(
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, requirements],
        f"the packages of the {environment.name} could not be installed; uv names the missing one above. "
        "If PyPI could not be reached, run the same command again later",
    )
    if environment.sources:
        packages = environment.folder / "lib" / f"python{PYTHON_VERSION}" / "site-packages"
        (packages / "checkout.pth").write_text("".join(f"{source}\n" for source in environment.sources))
    environment.stamp.write_text(environment.digest())


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
        ensure_environments((*ENVIRONMENTS, AUDITORS) if "auditors" in sys.argv else ENVIRONMENTS)
    except SetupError as error:
        sys.exit(f"set-up: {error}")
