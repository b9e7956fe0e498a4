"""SnapStart: a function is initialised once, and every environment that Lambda starts later is a copy of that moment.

What is drawn at random before the snapshot is the same in all copies, a connection of that time is nobody's, and
credentials have expired: they are for after it. https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

import random
from collections.abc import Callable

import botocore.credentials  # noqa: F401 - a copy gets its credentials through it, and need not import it then
from bson import ObjectId


def after_restore(hook: Callable[[], object]) -> None:
    """Have Lambda run a hook in each copy before its first call; in the order of registration, 10 s for all of them."""
    from snapshot_restore_py import register_after_restore  # Lambda's runtime brings it, and is where this is called

    register_after_restore(hook)


def reseed() -> None:
    """Draw anew what this process has drawn at random for its life.

    `uuid4`, `secrets` and TLS ask the kernel, which Lambda seeds anew by itself. An ObjectId is the second, five random
    bytes of the process and a counter: two copies of one process would give the same ids to different jobs.
    """
    random.seed()
    ObjectId._pid = -1  # noqa: SLF001 - "another process", for which the driver draws new bytes: it has no other way
    ObjectId._inc = random.SystemRandom().getrandbits(24)  # noqa: SLF001 - where the driver starts to count, likewise
