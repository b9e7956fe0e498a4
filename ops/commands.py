"""The commands: each runs on the ports of the selected system, prints its result and writes an audit line."""

import json
import logging
import sys
from argparse import Namespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.terminal import print_safely
from ops.cloud import AwsCloud, Cloud
from ops.errors import OpsError, explain_aws
from ops.fetch_result import describe_fetch, find_refused_job, queue_fetch
from ops.replay import find_failed, replay_jobs
from ops.status import format_status
from ops.submissions import pause_submissions, resume_submissions
from ops.system import enter_system, find_system
from ops.tables import terminal_width
from ops.timeline import build_timeline, format_timeline, read_job_id, timeline_to_json
from videojobs import bootstrap
from videojobs.observability import logger
from videojobs_providers import factories

_AUDIT_MESSAGE = "Operator's command"


def connect(arguments: Namespace) -> "Commands":
    """Find the selected system, set its environment variables in this process, and return its commands.

    The variables are those of the reconciler, or of `render` for a command that needs the options of the providers.

    Raises:
        OpsError: If there is no such system, or the credentials do not allow access to it.
    """
    system = find_system(stack=arguments.stack, profile=arguments.profile, region=arguments.region)
    enter_system(system, "Render" if arguments.command == "fetch-result" else "Reconciler")
    return Commands(system.stack_name, AwsCloud(system))


class Commands:
    """Commands for operators: one method each, which takes the parsed arguments, prints its result and returns 0.

    `pause`, `resume`, `redrive`, `replay` and `fetch-result` ask for a confirmation at the terminal unless `--yes` is
    given. Then they write an audit line with the ARN of the operator to the log group `/videojobs/STACK/operators`.
    Without it nothing is changed. With `--json`, results are JSON. A command that reads MongoDB raises `SettingsError`
    if the function's environment variables are missing or malformed.
    """

    def __init__(self, stack_name: str, cloud: Cloud) -> None:
        """Create the commands and send log lines, such as those of the audit, to stderr: stdout is for results."""
        self._stack_name, self._cloud = stack_name, cloud
        if isinstance(logger.registered_handler, logging.StreamHandler):
            logger.registered_handler.stream = sys.stderr

    def timeline(self, arguments: Namespace) -> int:
        """Print the timeline of a job, as text or JSON, and return 0.

        Raises:
            OpsError: If the job ID is invalid, or neither the database nor the logs contain the job.
            Unavailable: If MongoDB, or the secret with its URI, can't be reached.
            BotoCoreError, ClientError: If the logs can't be read.
            SettingsError: If the reconciler's environment variables are missing or malformed.
        """
        timeline = build_timeline(
            read_job_id(arguments.job),
            jobs=bootstrap.job_repository(),
            cloud=self._cloud,
            clock=bootstrap.clock(),
            policy=bootstrap.step_policy(),
            cap=bootstrap.slot_repository().cap,
        )
        if arguments.json:
            print_safely(timeline_to_json(timeline, show_prompt=arguments.show_prompt))
        else:
            print_safely(format_timeline(timeline, show_prompt=arguments.show_prompt, width=terminal_width()))
        return 0

    def pause(self, arguments: Namespace) -> int:
        """Pause submissions after a confirmation, log an audit line, print the new state and return 0.

        Raises:
            OpsError: If the operator does not confirm, `--retry-after` is out of range, or there is no audit line.
            Unavailable: If MongoDB, or the secret with its URI, can't be reached. Submissions may have been paused.
        """
        self._confirm("New jobs will be refused with status 503. Jobs in progress are not affected.", arguments)
        self._audit("intake_paused", reason=arguments.reason, retry_after_seconds=arguments.retry_after)
        result = pause_submissions(
            arguments.reason,
            arguments.retry_after,
            submissions=bootstrap.submission_repository(),
            clock=bootstrap.clock(),
        )
        self._print_result(result, arguments)
        return 0

    def resume(self, arguments: Namespace) -> int:
        """Accept submissions again after a confirmation, log an audit line, print the result and return 0. Idempotent.

        Raises:
            OpsError: If the operator does not confirm, or the audit line can't be written.
            Unavailable: If MongoDB, or the secret with its URI, can't be reached. Submissions may have been resumed.
        """
        self._confirm("New jobs will be accepted again.", arguments)
        self._audit("intake_resumed")
        result = resume_submissions(submissions=bootstrap.submission_repository(), clock=bootstrap.clock())
        self._print_result(result, arguments)
        return 0

    def status(self, arguments: Namespace) -> int:
        """Print queue depths, delays and whether submissions are paused, and return 0.

        Raises:
            Unavailable: If MongoDB, or the secret with its URI, can't be reached.
            BotoCoreError, ClientError: If the queues can't be read.
        """
        result = format_status(
            jobs=bootstrap.job_repository(),
            submissions=bootstrap.submission_repository(),
            cloud=self._cloud,
            clock=bootstrap.clock(),
            width=_table_width(arguments),
        )
        self._print_result(result, arguments)
        return 0

    def redrive(self, arguments: Namespace) -> int:
        """Move dead letters back to their queues after a confirmation, print the number per queue and return 0.

        At most `--limit` messages are moved per queue, and an audit line is logged.

        Raises:
            OpsError: If the operator does not confirm.
            BotoCoreError, ClientError: If AWS does not respond or rejects a request. Some messages may have been moved.
        """
        queues = ("Events", "Webhooks") if arguments.queue == "all" else (arguments.queue.capitalize(),)
        self._confirm(f"The dead letters of {' and '.join(queues)} will be moved back to their queues.", arguments)
        self._audit("dead_letters_redriven", queues=queues, limit=arguments.limit)
        moved = {queue: self._cloud.redrive(queue, arguments.limit) for queue in queues}
        self._print_result("\n".join(f"{queue}: {number} moved" for queue, number in moved.items()), arguments)
        return 0

    def replay(self, arguments: Namespace) -> int:
        """Queue failed jobs again after a confirmation, log an audit line, print the outcome of each job and return 0.

        The jobs are those of the given IDs, or those that failed with `--code` and were created within `--since`.

        Raises:
            OpsError: If both or neither of job IDs and `--code` are given, a job ID is invalid, or the operator does
                not confirm.
            Unavailable: If MongoDB, or the secret with its URI, can't be reached. Some jobs may have been queued.
            SettingsError: If the reconciler's environment variables are missing or malformed.
        """
        if bool(arguments.job) == bool(arguments.code):
            raise OpsError("Specify either job IDs or --code, not both.")
        jobs, clock = bootstrap.job_repository(), bootstrap.clock()
        since = clock.now() - arguments.since
        candidates = find_failed(
            [read_job_id(job) for job in arguments.job], arguments.code, since, arguments.limit, jobs=jobs
        )
        self._confirm(
            f"{len(candidates)} jobs will be checked. Those that have failed will be queued again.", arguments
        )
        by = self._audit("jobs_replayed", jobs=[job if isinstance(job, str) else job.id for job in candidates])
        result = replay_jobs(candidates, dispatcher=bootstrap.job_dispatcher(), by=by, width=_table_width(arguments))
        self._print_result(result, arguments)
        return 0

    def fetch_result(self, arguments: Namespace) -> int:
        """Queue a failed job to fetch its refused result, after a confirmation; log an audit line and return 0.

        Raises:
            OpsError: If the job ID is invalid, the job has no refused result, its host is still not allowed, the
                options of the provider are invalid, or the operator does not confirm.
            Unavailable: If MongoDB, or the secret with its URI, can't be reached. The job may have been queued.
            SettingsError: If the environment variables of `render` are missing or malformed.
        """
        job_id, allows_result = read_job_id(arguments.job), factories.allows_result
        refused = find_refused_job(
            job_id, jobs=bootstrap.job_repository(), clock=bootstrap.clock(), allows_result=allows_result
        )
        self._confirm(describe_fetch(refused), arguments)
        by = self._audit("result_fetch_queued", jobs=[job_id])
        result = queue_fetch(job_id, dispatcher=bootstrap.job_dispatcher(), allows_result=allows_result, by=by)
        self._print_result(result, arguments)
        return 0

    def _confirm(self, effect: str, arguments: Namespace) -> None:
        """Return if --yes is given or the operator confirms at a terminal.

        Raises:
            OpsError: If the operator does not confirm.
        """
        if arguments.yes:
            return
        print_safely(f"{self._stack_name}: {effect}", file=sys.stderr)
        if not sys.stdin.isatty():
            raise OpsError("Nothing was changed. Add --yes to confirm.")
        print("Continue? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise OpsError("Nothing was changed. The command was not confirmed.")

    def _audit(self, action: str, **facts: Any) -> str:
        """Write the audit line of a command to the logs of the system and to stderr, and return the operator's ARN.

        It is written before the change, so that there is no change without a line.

        Raises:
            OpsError: If the line can't be written; the command must change nothing.
        """
        try:
            operator = self._cloud.caller()
            record = {"action": action, "operator": operator, "stack": self._stack_name, **facts}
            self._cloud.write_log({"message": _AUDIT_MESSAGE, **record})
        except (BotoCoreError, ClientError) as error:
            raise OpsError(f"Nothing was changed. {explain_aws(error, 'the log of operators')}") from error
        logger.info(_AUDIT_MESSAGE, extra=record)
        return operator

    def _print_result(self, result: str, arguments: Namespace) -> None:
        print_safely(json.dumps({"said": result}) if arguments.json else result)


def _table_width(arguments: Namespace) -> int | None:
    """Return the maximum width of tables, or None if they may have any width."""
    return None if arguments.json else terminal_width()
