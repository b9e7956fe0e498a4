"""Is it well, at a glance."""

from videojobs.ops.cloud import Cloud
from videojobs.ops.intake import say_intake
from videojobs.ops.tables import draw_table, say_span
from videojobs.ports.jobs import Clock, IntakeRepository, JobRepository
from videojobs.services.measure_delays import measure_delays


def say_status(*, jobs: JobRepository, intake: IntakeRepository, cloud: Cloud, clock: Clock) -> str:
    """The queues' depths, how far behind the system is, and whether new jobs are taken. Changes nothing."""
    delays = measure_delays(jobs=jobs, clock=clock)
    rows = [(each.name, str(each.visible), str(each.in_hand), str(each.delayed)) for each in cloud.read_queues()]
    table = draw_table(("QUEUE", "WAITING", "IN HAND", "DELAYED"), rows)
    return (
        f"{table}\n\noldest queued job         {say_span(delays['oldest_queued_seconds'])}\n"
        f"oldest change not told    {say_span(delays['outbox_seconds'])}\n"
        f"intake                    {say_intake(intake.read(clock.now()))}"
    )
