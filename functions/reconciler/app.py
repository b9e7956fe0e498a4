"""The reconciler: recovers jobs after crashes or lost messages every minute, and resends dead-lettered steps."""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.api.batch import process_batch
from videojobs.domain.job import JobId
from videojobs.domain.trace import begin_trace
from videojobs.observability import logger
from videojobs.ports.erasures import Erasure
from videojobs.services.erase_videos import erase_videos
from videojobs.services.measure_delays import measure_delays
from videojobs.services.reconcile_jobs import reconcile_jobs, resend_dead_letter

ERASURES, ERASURE_TIME = 100, timedelta(seconds=15)
"""The maximum number of users whose erasures one sweep continues, and the time limit for all of them."""

bootstrap.use_boto3()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Sweep on the event of the schedule; resend the steps of a batch of dead letters.

    Return the sweep's counts, or the messages that SQS must deliver again.

    Raises:
        Unavailable: If MongoDB or S3 does not respond during a sweep. The next sweep continues.
    """
    begin_trace()
    if "Records" in event:
        for record in event["Records"]:
            extra = {"action": "dead_letter_received", "queue": record["eventSourceARN"].rpartition(":")[2]}
            logger.error("Dead letter received", extra=extra | {"message_id": record["messageId"]})
        return process_batch(event, _resend, drop_malformed=True)  # this queue has no dead-letter queue
    delays = measure_delays(jobs=bootstrap.job_repository(), clock=bootstrap.clock())
    counts = reconcile_jobs(dispatcher=bootstrap.job_dispatcher())
    logger.info("Swept", extra={"action": "swept", **counts, **delays})
    _resume_erasures()
    return counts


def _resume_erasures() -> None:
    until = bootstrap.clock().now() + ERASURE_TIME
    for user_id, created_before in bootstrap.erasure_repository().find_all(ERASURES):
        erase_videos(
            Erasure(user_id, created_before),
            until=until,
            dispatcher=bootstrap.job_dispatcher(),
            batches=bootstrap.batch_repository(),
            erasures=bootstrap.erasure_repository(),
            store=bootstrap.video_store(),
        )


def _resend(job_id: JobId, step_id: str) -> None:
    resend_dead_letter(job_id, step_id, dispatcher=bootstrap.job_dispatcher())
