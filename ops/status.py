"""Status of the system: queue depths, delays and the state of submissions."""

from ops.cloud import Cloud
from ops.submissions import format_submissions
from ops.tables import draw_table, format_span
from videojobs.ports.jobs import Clock, JobRepository, SubmissionRepository
from videojobs.services.measure_delays import measure_delays


def format_status(
    *, jobs: JobRepository, submissions: SubmissionRepository, cloud: Cloud, clock: Clock, width: int | None = None
) -> str:
    """Return queue depths, delays and the state of submissions for a terminal of `width` columns (None: unlimited).

    Raises:
        Unavailable: If MongoDB does not respond.
        BotoCoreError, ClientError: If the queues can't be read.
    """
    delays = measure_delays(jobs=jobs, clock=clock)
    rows = [(queue.name, str(queue.visible), str(queue.in_hand), str(queue.delayed)) for queue in cloud.read_queues()]
    table = draw_table(("QUEUE", "WAITING", "IN FLIGHT", "DELAYED"), rows, width=width)
    return (
        f"{table}\n\noldest queued job         {format_span(delays['oldest_queued_seconds'])}\n"
        f"oldest unpublished change {format_span(delays['outbox_seconds'])}\n"
        f"submissions               {format_submissions(submissions.read(clock.now()))}"
    )
