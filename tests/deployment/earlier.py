"""Checkout of an earlier commit, which is deployed by its own version of `localcloud`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from localcloud.config import CloudConfig
from localcloud.deployment import DEPLOYMENT_INPUTS
from localcloud.environment import ENVIRONMENTS
from localcloud.errors import CommandFailedError
from localcloud.stack import Stack
from tests.servers import missing

ROOT = Path(__file__).resolve().parents[2]
UV = Path(".local", "uv")


def earlier_commit() -> str:
    """Return the full hash of the commit in `UPGRADE_FROM`, by default the one before the last change of the product.

    Without that commit in the local history, the test is skipped, or fails if `CI` is set.
    """
    last = _git("rev-list", "-1", "HEAD", "--", *DEPLOYMENT_INPUTS).stdout.strip() or "HEAD"
    name = os.environ.get("UPGRADE_FROM") or f"{last}~1"
    parsed = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if parsed.returncode != 0:
        missing(f"there is no commit {name} here: fetch the history (`git fetch --unshallow`), or set UPGRADE_FROM")
    return parsed.stdout.strip()


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def check_out(commit: str, folder: Path) -> Path:
    """Extract the whole tree of a commit into a folder, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    return folder


def prepare(commit: str) -> Path:
    """Return a checkout of the commit that can run `python -m localcloud`; it is kept for later runs."""
    tree = ROOT / ".local" / "checkouts" / commit[:12]
    if not tree.exists():
        draft = tree.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        check_out(commit, draft).replace(tree)
    _provide_environments(tree)
    return tree


def _provide_environments(tree: Path) -> None:
    """Link the current environments if the checkout has the same requirements, otherwise create its own.

    Raises:
        CommandFailedError: If the environments can't be created.
    """
    folders = {tree / environment.folder.relative_to(ROOT): environment for environment in ENVIRONMENTS}
    for folder in folders:
        if folder.is_symlink():  # from an earlier run; the requirements may have changed since
            folder.unlink()
    if not any(folder.exists() for folder in folders) and all(
        _has_the_same(tree, environment.requirements.relative_to(ROOT)) for environment in ENVIRONMENTS
    ):
        for folder, environment in folders.items():
            _link(folder, environment.folder)
        return
    if (ROOT / UV).exists() and not (tree / UV).exists():
        _link(tree / UV, ROOT / UV)
    created = subprocess.run(
        [sys.executable, "-m", "localcloud.environment"], cwd=tree, env=_variables(tree), check=False
    )
    if created.returncode != 0:
        raise CommandFailedError(f"the environments of {tree} could not be created")


def _has_the_same(tree: Path, file: Path) -> bool:
    return (tree / file).exists() and (tree / file).read_bytes() == (ROOT / file).read_bytes()


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def bring_up_checkout(tree: Path, config: CloudConfig) -> Stack:
    """Deploy a checkout with its own `python -m localcloud up`, into the system whose state folder `config` names.

    A failed command is retried once. Commits up to 8d014a1 allow the API one minute to respond, which is too short on
    a busy machine. In this case the second command finds everything deployed and only waits for the API.

    Raises:
        CommandFailedError: If both attempts fail. Their output is in the output of this process.
    """
    command = [str(tree / ".venv" / "bin" / "python"), "-m", "localcloud", "up"]
    variables = {**_variables(tree), "LOCALCLOUD_STATE": str(config.state)}
    for _ in range(2):
        if subprocess.run(command, cwd=tree, env=variables, check=False).returncode == 0:
            return Stack.read(config)
    raise CommandFailedError(f"`localcloud up` failed in {tree}")


def _variables(tree: Path) -> dict[str, str]:
    """Return this process's environment, with the checkout's packages in front of those of a linked environment."""
    packages = os.pathsep.join(str(tree / "layers" / layer) for layer in ("common", "media", "providers"))
    return {**os.environ, "PYTHONPATH": packages}
