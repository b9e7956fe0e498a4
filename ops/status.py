"""Is it well, at a glance."""

from ops.cloud import Cloud
from ops.submissions import format_submissions
from ops.tables import draw_table, format_span
from videojobs.ports.jobs import Clock, JobRepository, SubmissionRepository
from videojobs.services.measure_delays import measure_delays


def format_status(*, jobs: JobRepository, submissions: SubmissionRepository, cloud: Cloud, clock: Clock) -> str:
    """The queues' depths, how far behind the system is, and whether new jobs are taken. Changes nothing."""
    delays = measure_delays(jobs=jobs, clock=clock)
    rows = [(each.name, str(each.visible), str(each.in_hand), str(each.delayed)) for each in cloud.read_queues()]
    table = draw_table(("QUEUE", "WAITING", "IN HAND", "DELAYED"), rows)
    return (
        f"{table}\n\noldest queued job         {format_span(delays['oldest_queued_seconds'])}\n"
        f"oldest change not told    {format_span(delays['outbox_seconds'])}\n"
        f"intake                    {format_submissions(submissions.read(clock.now()))}"
    )
