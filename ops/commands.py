"""Where an operator sits: each command with the system's own ports before it, its words out, its audit line."""

import json
import logging
import sys
from argparse import Namespace
from typing import Any

from ops.cloud import AwsCloud, Cloud
from ops.errors import OpsError
from ops.replay import find_failed, replay_jobs
from ops.status import format_status
from ops.submissions import pause_submissions, resume_submissions
from ops.system import enter_system, find_system
from ops.timeline import build_timeline, format_timeline, read_job_id, timeline_to_json
from videojobs import bootstrap
from videojobs.observability import logger


def connect(arguments: Namespace) -> "Commands":
    """Find the system and stand in for its reconciler.

    Raises:
        OpsError: there is none, or it may not be looked at.
    """
    system = find_system(stack=arguments.stack, profile=arguments.profile, region=arguments.region)
    enter_system(system)
    return Commands(system.stack_name, AwsCloud(system))


class Commands:
    """One method for each command; each gives back the exit code."""

    def __init__(self, stack_name: str, cloud: Cloud) -> None:
        """The ports are `bootstrap`'s. Log lines, the audit's among them, go to stderr: stdout is the answer's."""
        self._stack_name, self._cloud = stack_name, cloud
        if isinstance(logger.registered_handler, logging.StreamHandler):
            logger.registered_handler.stream = sys.stderr

    def timeline(self, arguments: Namespace) -> int:
        """Tell it."""
        timeline = build_timeline(
            read_job_id(arguments.job),
            jobs=bootstrap.job_repository(),
            cloud=self._cloud,
            clock=bootstrap.clock(),
            policy=bootstrap.step_policy(),
            cap=bootstrap.slot_repository().cap,
        )
        draw = timeline_to_json if arguments.json else format_timeline
        print(draw(timeline, show_prompt=arguments.show_prompt))
        return 0

    def pause(self, arguments: Namespace) -> int:
        """Refuse new jobs."""
        self._confirm("New jobs will be refused with 503; all else goes on.", arguments)
        said = pause_submissions(
            arguments.reason,
            arguments.retry_after,
            submissions=bootstrap.submission_repository(),
            clock=bootstrap.clock(),
        )
        self._audit("intake_paused", reason=arguments.reason, retry_after_seconds=arguments.retry_after)
        self._say(said, arguments)
        return 0

    def resume(self, arguments: Namespace) -> int:
        """Take them again."""
        self._confirm("New jobs will be taken again.", arguments)
        said = resume_submissions(submissions=bootstrap.submission_repository(), clock=bootstrap.clock())
        self._audit("intake_resumed")
        self._say(said, arguments)
        return 0

    def status(self, arguments: Namespace) -> int:
        """Say how it stands."""
        submissions, clock = bootstrap.submission_repository(), bootstrap.clock()
        said = format_status(jobs=bootstrap.job_repository(), submissions=submissions, cloud=self._cloud, clock=clock)
        self._say(said, arguments)
        return 0

    def redrive(self, arguments: Namespace) -> int:
        """Send dead letters home."""
        queues = ("Events", "Webhooks") if arguments.queue == "all" else (arguments.queue.capitalize(),)
        self._confirm(f"Dead letters of {' and '.join(queues)} will be delivered again.", arguments)
        moved = {queue: self._cloud.redrive(queue, arguments.limit) for queue in queues}
        self._audit("dead_letters_redriven", **moved)
        self._say("\n".join(f"{queue}: {number} delivered again" for queue, number in moved.items()), arguments)
        return 0

    def replay(self, arguments: Namespace) -> int:
        """Queue failed jobs anew."""
        if bool(arguments.job) == bool(arguments.code):
            raise OpsError("Name the jobs, or say with --code which failures; not both.")
        jobs, clock = bootstrap.job_repository(), bootstrap.clock()
        since = clock.now() - arguments.since
        found = find_failed(
            [read_job_id(job) for job in arguments.job], arguments.code, since, arguments.limit, jobs=jobs
        )
        self._confirm(f"{len(found)} jobs will be looked at, and those that have failed queued anew.", arguments)
        said = replay_jobs(found, dispatcher=bootstrap.job_dispatcher())
        self._audit("jobs_replayed", jobs=[job if isinstance(job, str) else job.id for job in found])
        self._say(said, arguments)
        return 0

    def _confirm(self, what: str, arguments: Namespace) -> None:
        """Go on with --yes, or when somebody at a terminal says so."""
        if arguments.yes:
            return
        print(f"{self._stack_name}: {what}", file=sys.stderr)
        if not sys.stdin.isatty():
            raise OpsError("Nothing was done. Add --yes to do it.")
        print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise OpsError("Nothing was done.")

    def _audit(self, action: str, **facts: Any) -> None:
        """One line for whoever asks later who did it."""
        extra = {"action": action, "operator": self._cloud.caller(), "stack": self._stack_name, **facts}
        logger.info("Operator's command", extra=extra)

    def _say(self, said: str, arguments: Namespace) -> None:
        print(json.dumps({"said": said}) if arguments.json else said)
