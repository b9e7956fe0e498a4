"""An earlier commit of the product, deployed with today's tools."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers import missing

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = ("template.yaml", "functions", "layers")
PRODUCT = ("template.yaml", "samconfig.toml", "functions", "layers", "web")
TOOLS = ("localcloud", ".venv", ".local")


def earlier_commit() -> str:
    """The full name of the commit that `UPGRADE_FROM` names, else of the one before the product last changed."""
    last = _git("rev-list", "-1", "HEAD", "--", *DEPLOYED).stdout.strip() or "HEAD"
    name = os.environ.get("UPGRADE_FROM") or f"{last}~1"
    asked = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if asked.returncode != 0:
        missing(f"there is no commit {name} here: fetch the history (`git fetch --unshallow`), or set UPGRADE_FROM")
    return asked.stdout.strip()


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def check_out(commit: str, folder: Path) -> Path:
    """The product as of that commit in a folder, and today's tools beside it; what was built there before is kept."""
    for name in PRODUCT:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", commit, *PRODUCT], cwd=ROOT, capture_output=True, check=True
    )
    there = listed.stdout.decode().split()
    archive = subprocess.run(["git", "archive", commit, *there], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    for name in TOOLS:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(ROOT / name)
    return folder
