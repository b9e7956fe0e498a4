"""What `sam build` makes, kept apart so that somebody else's build doesn't change what is being measured."""

import os
import platform
import shutil
from functools import cache
from pathlib import Path

from bench.paths import HOME, cloud_config
from localcloud.deployment import build, build_folder

MACHINE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
_NOWHERE = "http://127.0.0.1:1"  # a build calls no AWS


@cache
def build_system() -> Path:
    """Build the template for this machine, once per run; the folder of a copy made of hard links."""
    config = cloud_config()
    config.logs.mkdir(parents=True, exist_ok=True)
    target = HOME / "build"
    with build_folder(config):
        build(config, _NOWHERE, {"Architecture": MACHINE})
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(config.build, target, copy_function=os.link)
    return target
