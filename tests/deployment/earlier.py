"""An earlier commit in a folder of its own, deployed by that commit's own `localcloud`."""

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
    """Return the full hash of the commit that `UPGRADE_FROM` names, or of the one before the product last changed."""
    last = _git("rev-list", "-1", "HEAD", "--", *DEPLOYMENT_INPUTS).stdout.strip() or "HEAD"
    name = os.environ.get("UPGRADE_FROM") or f"{last}~1"
    asked = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if asked.returncode != 0:
        missing(f"there is no commit {name} here: fetch the history (`git fetch --unshallow`), or set UPGRADE_FROM")
    return asked.stdout.strip()


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def check_out(commit: str, folder: Path) -> Path:
    """Extract the whole tree of a commit into a folder, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    return folder


def prepare(commit: str) -> Path:
    """Return a checkout of the commit that can run `python -m localcloud`; it is kept, with its builds."""
    tree = ROOT / ".local" / "checkouts" / commit[:12]
    if not tree.exists():
        draft = tree.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        check_out(commit, draft).replace(tree)
    _provide_environments(tree)
    return tree


def _provide_environments(tree: Path) -> None:
    """Link today's environments if they are what the checkout requires, or else let the checkout make its own."""
    folders = {tree / each.folder.relative_to(ROOT): each for each in ENVIRONMENTS}
    for folder in folders:
        if folder.is_symlink():  # of an earlier run; the requirements of today may have changed since
            folder.unlink()
    if not any(folder.exists() for folder in folders) and all(
        _has_the_same(tree, each.requirements.relative_to(ROOT)) for each in ENVIRONMENTS
    ):
        for folder, environment in folders.items():
            _link(folder, environment.folder)
        return
    if (ROOT / UV).exists() and not (tree / UV).exists():
        _link(tree / UV, ROOT / UV)
    made = subprocess.run([sys.executable, "-m", "localcloud.environment"], cwd=tree, env=_variables(tree), check=False)
    if made.returncode != 0:
        raise CommandFailedError(f"the environments of {tree} could not be made")


def _has_the_same(tree: Path, file: Path) -> bool:
    return (tree / file).exists() and (tree / file).read_bytes() == (ROOT / file).read_bytes()


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def bring_up_checkout(tree: Path, config: CloudConfig) -> Stack:
    """Deploy a checkout with its own `python -m localcloud up`, into the system whose state folder `config` names.

    A second try follows a failure: commits up to 8d014a1 allow the API one minute to respond, which is too short on a
    busy machine. The second `up` finds everything deployed and only waits again.

    Raises:
        CommandFailedError: If both tries fail; their output has gone to this process's.
    """
    command = [str(tree / ".venv" / "bin" / "python"), "-m", "localcloud", "up"]
    variables = {**_variables(tree), "LOCALCLOUD_STATE": str(config.state)}
    for _ in range(2):
        if subprocess.run(command, cwd=tree, env=variables, check=False).returncode == 0:
            return Stack.read(config)
    raise CommandFailedError(f"`localcloud up` failed in {tree}")


def _variables(tree: Path) -> dict[str, str]:
    """Return this process's environment, with the checkout's packages in front of those of a linked environment."""
    packages = os.pathsep.join(str(tree / "layers" / layer) for layer in ("common", "media"))
    return {**os.environ, "PYTHONPATH": packages}
