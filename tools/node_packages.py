"""Installation of npm packages in the versions of a lock file."""

import fcntl
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NPM = ROOT / "tests" / "npm"
"""Folder of the package with the tools of the tests, TypeScript among them."""
_OLDEST_NODE = (20, 19)
"""Version that Redocly CLI and Vite require."""
_INSTALL_SECONDS = 480


class NodeMissing(Exception):
    """Error for a machine without Node.js 20.19, npm, or access to the npm registry. Its text says which."""


def install_packages(folder: Path) -> Path:
    """Install the packages of the lock file in `folder` into its `node_modules`; return the path of `node_modules`.

    Packages that are already installed in these versions are kept. Install scripts are not run. While another process
    installs packages of this checkout, wait without a time limit.

    Raises:
        NodeMissing: If Node.js or npm is missing or too old, or npm fails.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        raise NodeMissing("Node.js and npm are not installed. Run `apt-get install nodejs npm`.")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if tuple(map(int, re.findall(r"\d+", version)))[:2] < _OLDEST_NODE:
        raise NodeMissing(f"Node.js {version} is too old. Install version 20.19 or later.")
    stamp = folder / "node_modules" / ".installed"
    digest = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    lock_file = ROOT / ".local" / "npm.lock"
    lock_file.parent.mkdir(exist_ok=True)
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            try:
                subprocess.run(
                    command, cwd=folder, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS
                )
            except (subprocess.SubprocessError, OSError) as error:
                raise NodeMissing(f"`{' '.join(command)}` failed: {getattr(error, 'stderr', None) or error}") from error
            stamp.write_text(digest)
    return folder / "node_modules"
