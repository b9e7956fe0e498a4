"""The reconciler: each minute it finds what crashes and lost messages left behind, and sets it going again."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.observability import logger
from videojobs.services.reconcile_jobs import reconcile_jobs


@logger.inject_lambda_context(clear_state=True)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """A schedule's event; answers with how many steps were sent again."""
    resent = reconcile_jobs(jobs=bootstrap.job_repository(), queue=bootstrap.job_queue(), clock=bootstrap.clock())
    logger.info("Swept", extra={"action": "swept", "resent": resent})
    return {"resent": resent}
