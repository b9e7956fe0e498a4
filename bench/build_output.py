"""Output of `sam build`, copied so that a later build does not change it during a measurement."""

import os
import shutil
from functools import cache
from pathlib import Path

from bench.paths import HOME, cloud_config
from localcloud.builds import build, build_folder


@cache
def build_system() -> Path:
    """Build the application and return the folder of a copy made of hard links.

    The result is cached for the run.

    Raises:
        LocalCloudError: If the build fails.
        OSError: If the output can't be copied.
    """
    config = cloud_config()
    config.logs.mkdir(parents=True, exist_ok=True)
    target = HOME / "build"
    with build_folder(config):
        build(config)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(config.build, target, copy_function=os.link)
    return target
