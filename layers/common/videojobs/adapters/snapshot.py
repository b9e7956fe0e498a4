"""Hooks for SnapStart, which initializes a function once and starts its environments as copies of that snapshot.

Random values drawn before the snapshot are the same in all copies, connections opened before it are closed, and
credentials have expired. They have to be created after the restore.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

import random
from collections.abc import Callable

import botocore.credentials  # noqa: F401 - imported before the snapshot, because copies need it for their credentials
from bson import ObjectId


def after_restore(hook: Callable[[], object]) -> None:
    """Register a hook that Lambda runs in each copy before its first invocation.

    Hooks run in the order of registration. Lambda allows 10 s for all hooks together.

    Raises:
        ImportError: If the package of Lambda's runtime with the hooks is not installed.
    """
    from snapshot_restore_py import register_after_restore  # part of Lambda's runtime

    register_after_restore(hook)


def reseed() -> None:
    """Reseed `random` and the ObjectId generator, so that copies of one snapshot do not create the same IDs.

    An ObjectId consists of the time in seconds, five random bytes per process and a counter, which all copies would
    share. `uuid4`, `secrets` and TLS read random bytes from the kernel, which Lambda reseeds itself.
    """
    random.seed()
    ObjectId._pid = -1  # noqa: SLF001 - the driver draws new bytes for another process; it has no API for this
    ObjectId._inc = random.SystemRandom().getrandbits(24)  # noqa: SLF001 - the driver's counter
