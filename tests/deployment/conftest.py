"""Selection of the tests of deployments."""

from tests.sampling import SAMPLING

collect_ignore = [] if SAMPLING.is_complete else ["test_account_limit.py"]
