"""Suspension of the garbage collector during Lambda's init phase, from the import of this module until `finish`.

The modules and classes that imports create live as long as the environment, so that a collection of them frees nothing.
Collections are about a tenth of a cold start (docs/performance.md). A function imports this module before all others.
"""

import gc

from videojobs.settings import is_lambda

if is_lambda():
    gc.disable()


def finish() -> None:
    """Enable the garbage collector, and exclude all existing objects from later collections."""
    gc.freeze()
    gc.enable()
