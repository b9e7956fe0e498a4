"""Odd responses to submits, polls and downloads: a paid task is neither abandoned nor paid for twice.

Each test runs for each adapter. A cell that does not apply to an adapter is named in `NOT_APPLICABLE` with its reason.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from tests.builders import a_new_job
from tests.providers.adapters import counterpart_of
from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.server import Counterpart, Exchange, Fate, LocalServer, Reply
from tests.providers.http_wire import Call, Wire
from tests.providers.lifecycle import TOKEN, error_of, fetched, polled_until_done, submitted
from tests.system import InMemorySystem
from videojobs.adapters.providers import AI_PROVIDERS
from videojobs.adapters.rest.result_host import _matches, open_result
from videojobs.adapters.rest.retry_after import MAXIMUM_RETRY_AFTER_SECONDS
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, ResultRefused
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.ports.videos import VideoProvider

type Change = Callable[[Reply], Reply]

SOON = format_datetime(datetime.now(UTC) + timedelta(hours=9), usegmt=True)


NOT_APPLICABLE = {
    ("bedrock", "a numeric reference"): "botocore's service model defines the ARN as text.",
    ("bedrock", "a link"): "The adapter signs the URL of an object in the deployment's own bucket.",
    ("bedrock", "a key"): "The function's role is authorized; the AWS SDK renews its credentials.",
    **{(name, "cancel"): "The API can't cancel a task." for name in ("openai_compatible", "luma", "veo")},
    **{(name, "a key for downloads"): "The store of results needs no key." for name in ("fal", "runway", "luma")},
    ("bedrock", "a refusal under a 2xx status"): "AWS sends errors with an error status, and a repeat is idempotent.",
    ("fal", "a result in the status"): "The result is a response of its own, which is requested after the status.",
    ("bedrock", "a result in the status"): "The result is an object in the bucket, whose folder each response names.",
    **{
        (name, "a cost"): "The API reports no cost, and the adapter reads none."
        for name in ("fal", "replicate", "luma", "veo", "bedrock")
    },
}
"""Reasons of the cells that do not apply, by adapter and case."""


NOT_CARRIED_OUT = Reply(500)


class OddWire(Wire):
    """Wire that changes the responses to the kinds of calls in `changes`.

    The functions in `before` can respond to a call that is then not carried out.
    """

    def __init__(self, counterpart: Counterpart) -> None:
        """Let all calls through unchanged."""
        self.changes: dict[str, Change] = {}
        self.before: dict[str, Change] = {}
        self.counterpart = counterpart
        super().__init__(counterpart)

    def answer(self, exchange: Exchange) -> None:
        """Carry out the call and send its response, changed if there is a change for its kind."""
        kind = self.counterpart.kind(exchange.method, exchange.path)
        if kind not in self.changes and kind not in self.before:
            super().answer(exchange)
            return
        key = exchange.headers.get("authorization", "") or exchange.headers.get("x-api-key", "")
        self.calls.append(Call(kind, exchange.method, exchange.path, key, exchange.headers.get("range", "")))
        if kind in self.before and (rejection := self.before[kind](NOT_CARRIED_OUT)) is not NOT_CARRIED_OUT:
            exchange.send(rejection)
            return
        reply = self.counterpart.reply(exchange)
        exchange.send(self.changes[kind](reply) if kind in self.changes else reply)


@pytest.fixture
def wire(counterpart: Counterpart) -> Iterator[OddWire]:
    """Yield the network between the adapter and its counterpart."""
    odd = OddWire(counterpart)
    yield odd
    odd.close()


def instead(reply: Reply) -> Change:
    """Return a change that replaces each response; the call is carried out."""
    return lambda _: reply


# ---------------------------------------------------------------- Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (SOON, MAXIMUM_RETRY_AFTER_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAXIMUM_RETRY_AFTER_SECONDS),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        ("99999999999999", MAXIMUM_RETRY_AFTER_SECONDS),
        ("inf", None),
        ("nan", None),
        ("1e400", None),
        ("1_0", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_of_a_rate_limit_is_valid_and_limited(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, value: str, seconds: float | None
) -> None:
    ref, _ = submitted(provider, counterpart)
    limited = instead(Reply(429, {"message": "slow down"}, {"Retry-After": value}))
    wire.changes = {"submit": limited, "poll": limited}
    with pytest.raises(ProviderError) as refused:
        provider.submit(counterpart.request, token=TOKEN)
    assert (refused.value.reason, refused.value.retry_after_seconds) == (FailureCode.RATE_LIMITED, seconds)
    with pytest.raises(ProviderUnreachable) as limited_poll:
        provider.poll(ref)
    assert limited_poll.value.retry_after_seconds == seconds
    wire.changes.clear()
    assert polled_until_done(provider, ref)


# ---------------------------------------------------------------- bodies


def with_body(change: Callable[[bytes], bytes]) -> Change:
    """Return a change that keeps status and headers of a response and changes its body, if it has one."""
    return lambda reply: Reply(reply.status, change(reply.content), {"Content-Type": "application/json"})


DEEP = b"[" * 200_000 + b"]" * 200_000
UNREADABLE: dict[str, Change] = {
    "nested deeply": with_body(lambda _: DEEP),
    "a field nested deeply": with_body(lambda body: body[:-1] + b', "more": ' + DEEP + b"}"),
    "truncated": with_body(lambda body: body[: len(body) // 2]),
    "HTML": instead(Reply(200, b"<html><body>Welcome to nginx!</body></html>", {"Content-Type": "text/html"})),
    "not UTF-8": with_body(lambda _: b'{"id": "\xff\xfe\xfa"}'),
    "a list": with_body(lambda _: b"[]"),
    "a number": with_body(lambda _: b"1e400"),
    "null": with_body(lambda _: b"null"),
}
READABLE: dict[str, Change] = {
    "a byte order mark": with_body(lambda body: b"\xef\xbb\xbf" + body),
    "NaN": with_body(lambda body: body[:-1] + b', "eta": NaN, "more": [Infinity, -Infinity, 1e400]}'),
}


@pytest.mark.parametrize("body", UNREADABLE)
def test_an_unreadable_body_leaves_the_outcome_unknown(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, body: str
) -> None:
    ref, _ = submitted(provider, counterpart)
    submits = wire.count("submit")
    wire.changes = {"submit": UNREADABLE[body], "poll": UNREADABLE[body]}
    with pytest.raises(ProviderUnreachable):
        provider.submit(counterpart.request, token=TOKEN)
    assert wire.count("submit") == submits + 1
    with pytest.raises(ProviderUnreachable):
        provider.poll(ref)
    wire.changes.clear()
    assert polled_until_done(provider, ref)


@pytest.mark.parametrize("body", READABLE)
def test_an_unusual_body_is_read(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, body: str, tmp_path: Path
) -> None:
    is_xml = counterpart.name == "bedrock" and body == "NaN"
    wire.changes = {"submit": READABLE[body], "poll": READABLE[body]}
    ref, _ = submitted(provider, counterpart)
    assert polled_until_done(provider, ref)
    if is_xml:  # the list of objects in S3 is XML
        wire.changes.clear()
    assert fetched(provider, ref, tmp_path) == counterpart.video


# ---------------------------------------------------------------- failures that pass


class Failing:
    """Change that replaces responses for a period on the virtual clock, from the first one on, if it applies."""

    def __init__(self, system: InMemorySystem, reply: Reply, period: timedelta) -> None:
        self.count = 0
        self._system, self._reply, self._period = system, reply, period
        self._until: datetime | None = None

    def __call__(self, reply: Reply) -> Reply:
        """Return the odd response during the period, else the given one."""
        self._until = self._until or self._system.clock.now() + self._period
        if self._system.clock.now() >= self._until:
            return reply
        self.count += 1
        return self._reply


def started(provider: VideoProvider, counterpart: Counterpart) -> tuple[InMemorySystem, VideoJob]:
    """Return a system with this provider, and a job that needs one clip."""
    system = InMemorySystem(provider=provider)
    clip = counterpart.request.clip
    assert clip is not None
    return system, system.submit(a_new_job(duration=clip.seconds))


def started_at(wire: OddWire) -> tuple[InMemorySystem, VideoJob]:
    """Return a system with the provider at the other end of the wire, and a job that needs one clip."""
    return started(wire.counterpart.provider(wire.url, call_seconds=PATIENCE_SECONDS), wire.counterpart)


@pytest.mark.parametrize("status", [404, 502])
@pytest.mark.parametrize("call", ["poll", "fetch"])
def test_a_failure_of_less_than_a_minute_is_not_paid_for_twice(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, call: str, status: int
) -> None:
    system, job = started(provider, counterpart)
    failing = Failing(system, Reply(status, {"detail": "no such thing"}), timedelta(seconds=40))
    wire.changes = {call: failing}
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, 1)
    assert failing.count > 0


@pytest.mark.parametrize("call", ["poll", "fetch"])
def test_a_404_that_lasts_is_a_lost_result(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, call: str
) -> None:
    system, job = started(provider, counterpart)
    began = system.clock.now()
    wire.changes = {call: Failing(system, Reply(404, {"detail": "no such thing"}), timedelta(days=1))}
    system.run()
    after = system.jobs.get(job.id)
    assert after.error is not None
    assert (after.status, after.error.code) == (JobStatus.FAILED, FailureCode.RESULT_LOST)
    failures = [entry.at for entry in after.history if "result_lost" in entry.note]
    assert failures[0] - began >= timedelta(minutes=1)


# ---------------------------------------------------------------- references


REF_FIELDS = {
    "fal": "request_id",
    "replicate": "id",
    "runway": "id",
    "openai_compatible": "id",
    "luma": "id",
    "veo": "name",
    "bedrock": "invocationArn",
}


def with_fields(**fields: object) -> Change:
    """Return a change that sets fields of a JSON object."""
    return lambda reply: Reply(reply.status, {**json.loads(reply.content), **fields})


@pytest.mark.parametrize(
    "ref", ["", " ", "..", "x" * 3000, "x" * 900_000, "a\ud800b", "a\x00b", "a\nb", None, True, 1.5, [], {"id": "1"}]
)
def test_a_reference_that_cannot_be_used_leaves_the_outcome_unknown(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, ref: object
) -> None:
    wire.changes = {"submit": with_fields(**{REF_FIELDS[counterpart.name]: ref})}
    with pytest.raises(ProviderUnreachable):
        provider.submit(counterpart.request, token=TOKEN)
    assert wire.count("submit") == 1


def test_a_reference_of_2048_characters_is_used(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref = "arn:" + "x" * 2044
    wire.changes = {"submit": with_fields(**{REF_FIELDS[counterpart.name]: ref})}
    assert provider.submit(counterpart.request, token=TOKEN).ref.endswith(ref)


def test_a_reference_that_is_a_number_is_used(provider: VideoProvider, counterpart: Counterpart, wire: OddWire) -> None:
    if counterpart.name == "bedrock":
        assert NOT_APPLICABLE["bedrock", "a numeric reference"]
        return
    wire.changes = {"submit": with_fields(**{REF_FIELDS[counterpart.name]: 4711})}
    assert provider.submit(counterpart.request, token=TOKEN).ref.endswith("4711")


# ---------------------------------------------------------------- progress and cost


PROGRESS: dict[str, Callable[[object], dict[str, object]]] = {
    "runway": lambda value: {"status": "RUNNING", "progress": value},
    "openai_compatible": lambda value: {"status": "in_progress", "progress": value},
    "replicate": lambda value: {"status": "processing", "logs": value},
    "fal": lambda value: {"status": "IN_PROGRESS", "progress": value},
    "luma": lambda value: {"state": "processing", "progress": value},
    "veo": lambda value: {"done": False, "metadata": {"progressPercentage": value}},
    "bedrock": lambda value: {"status": "InProgress", "progress": value},
}


@pytest.mark.parametrize(
    "value",
    [None, True, False, -1, 101, 10**400, 1e308, "half", "50%", [], {}, float("nan"), float("inf"), float("-inf")],
)
def test_a_progress_that_is_not_a_valid_number_is_ignored(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, value: object
) -> None:
    ref, _ = submitted(provider, counterpart)
    wire.changes = {"poll": with_fields(**PROGRESS[counterpart.name](value))}
    generation = provider.poll(ref)
    assert (generation.done, generation.progress) == (False, None)


@pytest.mark.parametrize(
    ("logs", "progress"),
    [
        ("Loading weights: 100%\nGPU memory 85%", None),
        ("Loading weights: 100%\nGPU memory 85%\n 12%|█▏  | 6/50 [00:03<00:22]", 0.12),
        ("  2%|▏ | 1/50\r 30%|███  | 15/50 [00:09]\nLoading pipeline: 100%|█████| 5/5", 0.3),
        ("Downloading: 100%|██████| 5/5", None),
        ("999%|█| 1/1", None),
        (" " * 100_000 + "1%|" + "█" * 100_000, None),
    ],
)
def test_replicate_reads_only_the_models_progress_bar(logs: str, progress: float | None) -> None:
    counterpart = counterpart_of("replicate")()
    try:
        provider = counterpart.provider(counterpart.url)
        ref, _ = submitted(provider, counterpart)
        counterpart.reply = lambda _: Reply(200, {"status": "processing", "logs": logs})  # type: ignore[method-assign]
        assert provider.poll(ref).progress == progress
    finally:
        counterpart.close()


@pytest.mark.parametrize("cost", [None, True, -1, 10**400, float("nan"), float("inf"), "1", [], {}])
def test_a_cost_that_is_not_a_valid_number_is_ignored(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, cost: object
) -> None:
    if counterpart.name not in {"runway", "openai_compatible"}:
        assert NOT_APPLICABLE[counterpart.name, "a cost"]
        return
    ref, _ = submitted(provider, counterpart)
    wire.changes = {"poll": with_fields(cost={"credits": cost}, usage={"cost": cost})}
    assert polled_until_done(provider, ref)[-1].cost_usd is None


# ---------------------------------------------------------------- states


STATE_FIELDS = dict.fromkeys(AI_PROVIDERS, "status") | {"luma": "state", "veo": "done"}
LETTER_CASES: list[Callable[[str], str]] = [str.upper, str.lower, str.title, str.swapcase]
RUNNING = [
    "queued",
    "PENDING",
    "Processing",
    "in-progress",
    "In Progress",
    "NOT_START",
    "submitted",
    "running",
    "INPROGRESS",
]
DONE = ["succeeded", "success", "SUCCEED", "Completed", "complete", "done", "finished"]
FAILED = [
    "failed",
    "Failure",
    "error",
    "ERRORED",
    "canceled",
    "cancelled",
    "CANCELED",
    "aborted",
    "rejected",
    "expired",
]


def change_state(counterpart: Counterpart, change: Callable[[str], str]) -> Change:
    """Return a change of the state in a response that has one; a boolean, which Veo sends, becomes text first."""
    field = STATE_FIELDS[counterpart.name]

    def apply(reply: Reply) -> Reply:
        payload = json.loads(reply.content) if reply.content.startswith(b"{") else {}
        if field not in payload:
            return reply
        return Reply(reply.status, {**payload, field: change(str(payload[field]))})

    return apply


@pytest.mark.parametrize("letter_case", LETTER_CASES)
def test_a_state_is_read_in_any_letter_case(
    provider: VideoProvider,
    counterpart: Counterpart,
    wire: OddWire,
    letter_case: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    wire.changes = {"poll": change_state(counterpart, letter_case)}
    ref, _ = submitted(provider, counterpart)
    assert polled_until_done(provider, ref)
    assert not [record for record in caplog.records if vars(record).get("action") == "provider_state_unknown"]


@pytest.mark.parametrize("letter_case", LETTER_CASES)
def test_a_failure_is_read_in_any_letter_case(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, letter_case: Callable[[str], str]
) -> None:
    wire.changes = {"poll": change_state(counterpart, letter_case)}
    counterpart.fate = Fate.FAILS
    error = error_of(provider, counterpart)
    assert (type(error), error.reason) == (ProviderError, FailureCode.PROVIDER_ERROR)


@pytest.mark.parametrize("state", RUNNING)
def test_synonyms_of_running_are_known(
    provider: VideoProvider,
    counterpart: Counterpart,
    wire: OddWire,
    state: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ref, _ = submitted(provider, counterpart)
    wire.changes = {"poll": change_state(counterpart, lambda _: state)}
    assert not provider.poll(ref).done
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("state", DONE)
def test_synonyms_of_done_are_known(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, state: str, tmp_path: Path
) -> None:
    ref, _ = submitted(provider, counterpart)
    assert polled_until_done(provider, ref)
    wire.changes = {"poll": change_state(counterpart, lambda _: state)}
    assert provider.poll(ref).done
    assert fetched(provider, ref, tmp_path) == counterpart.video


@pytest.mark.parametrize("state", FAILED)
def test_synonyms_of_failed_are_known(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, state: str
) -> None:
    counterpart.fate = Fate.FAILS
    ref, _ = submitted(provider, counterpart)
    provider.poll(ref)
    provider.poll(ref)
    wire.changes = {"poll": change_state(counterpart, lambda _: state)}
    with pytest.raises(ProviderError) as failed:
        provider.poll(ref)
    assert not isinstance(failed.value, ProviderUnreachable)


@pytest.mark.parametrize("state", [None, 7, [], ["completed"], {"a": 1}, "x" * 100_000, "a\ud800b"])
def test_a_state_of_any_other_value_is_polled_again(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, state: object, caplog: pytest.LogCaptureFixture
) -> None:
    ref, _ = submitted(provider, counterpart)
    wire.changes = {"poll": with_fields(**{STATE_FIELDS[counterpart.name]: state})}
    try:
        assert not provider.poll(ref).done
    except ProviderUnreachable:  # botocore rejects values of another type
        assert counterpart.name == "bedrock"
    assert sum(len(record.getMessage()) + len(str(vars(record).get("state"))) for record in caplog.records) < 1000
    wire.changes.clear()
    assert polled_until_done(provider, ref)


def test_an_unknown_state_with_a_result_is_done(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, tmp_path: Path
) -> None:
    if counterpart.name in {"fal", "bedrock"}:
        assert NOT_APPLICABLE[counterpart.name, "a result in the status"]
        return
    ref, _ = submitted(provider, counterpart)
    assert polled_until_done(provider, ref)
    link = {"unsigned_urls": ["https://x.test/v.mp4"]} if counterpart.name == "openai_compatible" else {}
    wire.changes = {"poll": with_fields(**{STATE_FIELDS[counterpart.name]: "wrapped up", **link})}
    assert provider.poll(ref).done
    assert fetched(provider, ref, tmp_path) == counterpart.video


# ---------------------------------------------------------------- refusals and errors under a 2xx status


WORDS = "The prompt was flagged by content moderation."
MODERATED: dict[str, list[object]] = {
    "fal": [
        {"detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]},
        {"detail": "The prompt violates the content policy."},
    ],
    "replicate": [{"title": "Invalid input", "detail": "NSFW content detected."}, {"detail": "It failed (E005)"}],
    "runway": [{"error": WORDS}, {"error": "Rejected.", "failureCode": "SAFETY.INPUT.TEXT"}],
    "openai_compatible": [
        {"error": {"code": "moderation_blocked", "message": "Blocked.", "type": "user_error"}},
        {"error": {"code": 403, "message": WORDS, "metadata": {"reasons": ["violence"]}}},  # OpenRouter
        {"error": {"code": "400", "message": "litellm.ContentPolicyViolationError: no", "type": None}},
        {"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},  # Azure
        {"error": {"code": None, "message": "Your request was rejected by our safety system."}},
    ],
    "luma": [{"detail": "Rejected.", "failure_code": "content_moderated"}, {"detail": WORDS}],
    "veo": [{"error": {"code": 400, "message": "It violates our usage guidelines.", "status": "INVALID_ARGUMENT"}}],
    "bedrock": [{"message": "This request has been blocked by our content filters."}],
}
CASES = [(name, number) for name, forms in MODERATED.items() for number in range(len(forms))]


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize(("adapter", "number"), CASES, indirect=["adapter"])
def test_moderation_is_content_rejected_and_sent_once_without_an_alarm(
    adapter: str, number: int, status: int, wire: OddWire, caplog: pytest.LogCaptureFixture
) -> None:
    system, job = started_at(wire)
    error_type = {"x-amzn-ErrorType": "ValidationException"} if adapter == "bedrock" else {}
    wire.changes = {"submit": instead(Reply(status, MODERATED[adapter][number], error_type))}
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.error and after.error.code) == (JobStatus.FAILED, FailureCode.CONTENT_REJECTED)
    assert wire.count("submit") == 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(("adapter", "number"), CASES, indirect=["adapter"])
def test_moderation_under_a_2xx_status_without_an_id_is_content_rejected(
    adapter: str, number: int, wire: OddWire
) -> None:
    if adapter == "bedrock":
        assert NOT_APPLICABLE[adapter, "a refusal under a 2xx status"]
        return
    system, job = started_at(wire)
    wire.changes = {"submit": instead(Reply(200, MODERATED[adapter][number]))}
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.error and after.error.code) == (JobStatus.FAILED, FailureCode.CONTENT_REJECTED)
    assert wire.count("submit") == 1


ERRORS: list[object] = ["Internal error", {"code": 500, "message": "Upstream failed."}, {"message": "Try again"}, [1]]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_under_a_2xx_status_without_an_id_leaves_the_outcome_unknown(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, error: object
) -> None:
    wire.changes = {"submit": instead(Reply(200, {"error": error}))}
    with pytest.raises(ProviderUnreachable):
        provider.submit(counterpart.request, token=TOKEN)
    assert wire.count("submit") == 1


@pytest.mark.parametrize("error", [*ERRORS, {"message": WORDS}])
def test_an_error_in_the_response_to_a_submit_with_an_id_does_not_abandon_the_task(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, error: object
) -> None:
    system, job = started(provider, counterpart)
    wire.changes = {"submit": with_fields(error=error)}
    system.run()
    assert (system.jobs.get(job.id).status, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1)


@pytest.mark.parametrize("has_id", [True, False])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_without_a_state_in_a_poll_does_not_abandon_the_task(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, error: object, has_id: bool
) -> None:
    system, job = started(provider, counterpart)
    payload = {"error": error, **({REF_FIELDS[counterpart.name]: "a-task"} if has_id else {})}
    failing = Failing(system, Reply(200, payload), timedelta(seconds=40))
    wire.changes = {"poll": failing}
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, 1)
    assert failing.count > 0


@pytest.mark.parametrize("error", [None, "", {}, {"code": None, "message": ""}, []])
def test_an_empty_error_is_not_an_error(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, error: object
) -> None:
    wire.changes = {"submit": with_fields(error=error)}
    ref, _ = submitted(provider, counterpart)
    if counterpart.name != "bedrock":  # its list of objects is XML
        wire.changes = {"poll": with_fields(error=error)}
    assert polled_until_done(provider, ref)


@pytest.mark.parametrize("status", [400, 402, 403, 422, 429])
def test_a_refused_poll_does_not_abandon_the_task(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, status: int
) -> None:
    system, job = started(provider, counterpart)
    payload = {"error": {"code": "insufficient_quota", "message": WORDS}, "detail": WORDS}
    failing = Failing(system, Reply(status, payload), timedelta(minutes=5))
    wire.changes = {"poll": failing}
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, 1)
    assert failing.count > 0


# ---------------------------------------------------------------- rejected keys


@pytest.mark.parametrize(("call", "status"), list(product(["submit", "poll", "cancel", "fetch"], [401, 403])))
def test_a_key_that_any_call_rejects_is_read_again(
    provider: VideoProvider, wire: OddWire, call: str, status: int, tmp_path: Path
) -> None:
    counterpart = wire.counterpart
    if not counterpart.rotates_keys or (call == "cancel" and not provider.capabilities.can_cancel):
        assert NOT_APPLICABLE[counterpart.name, "a key" if not counterpart.rotates_keys else "cancel"]
        return
    if call == "fetch" and counterpart.name in {"fal", "runway", "luma"}:
        assert NOT_APPLICABLE[counterpart.name, "a key for downloads"]
        return
    rejected: list[str] = []

    def reject_once(reply: Reply) -> Reply:
        authorization = wire.calls[-1].authorization
        if not rejected or authorization in rejected:
            rejected.append(authorization)
            return Reply(status, {"error": {"message": "invalid key"}})
        return reply

    wire.before = {call: reject_once}
    ref, _ = submitted(provider, counterpart)
    if call == "cancel":
        provider.cancel(ref)
    else:
        assert polled_until_done(provider, ref)
        assert fetched(provider, ref, tmp_path) == counterpart.video
    assert rejected
    assert len(counterpart.tasks) == 1


def test_a_key_that_is_missing_for_a_while_does_not_abandon_the_task(counterpart: Counterpart, wire: OddWire) -> None:
    if not counterpart.rotates_keys:
        assert NOT_APPLICABLE[counterpart.name, "a key"]
        return
    keys = dict(counterpart.key_reader("a-key")())
    if counterpart.name == "veo":
        keys["serviceAccount"] = counterpart.account()  # type: ignore[attr-defined]
    key = dict(keys)

    def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
        return key

    counterpart.key_reader = lambda *_, **__: read_key  # type: ignore[method-assign]
    system, job = started(counterpart.provider(wire.url, call_seconds=PATIENCE_SECONDS), counterpart)
    system.deliver(system.queue.drain()[0])
    key.clear()

    wire.before = {call: instead(Reply(401, {})) for call in ("poll", "fetch")}
    for _ in range(5):
        system.deliver(system.queue.drain()[0])
    assert system.jobs.get(job.id).attempt == 1
    wire.before.clear()
    key.update(keys)
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, 1)


# ---------------------------------------------------------------- result hosts


RESULTS: dict[str, Callable[[str], dict[str, object]]] = {
    "fal": lambda url: {"video": {"url": url}},
    "replicate": lambda url: {"output": url},
    "runway": lambda url: {"output": [url]},
    "luma": lambda url: {"output": [{"type": "video", "url": url}]},
    "veo": lambda url: {"response": {"videos": [{"gcsUri": url}]}},
}
ELSEWHERE = "https://results.example.com/a/video.mp4?signature=1"


def test_a_link_to_another_host_is_kept_in_the_job(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, caplog: pytest.LogCaptureFixture
) -> None:
    if counterpart.name == "bedrock":
        assert NOT_APPLICABLE[counterpart.name, "a link"]
        return
    system, job = started(provider, counterpart)
    link = ELSEWHERE
    if counterpart.name == "openai_compatible":
        link = f"{wire.url}/v1/videos/{{}}/content"
        wire.before = {"fetch": instead(Reply(302, None, {"Location": ELSEWHERE}))}
    else:
        link = "gs://another-bucket/video.mp4" if counterpart.name == "veo" else link
        fields = RESULTS[counterpart.name](link)

        def change(reply: Reply) -> Reply:
            is_done = all(task.ended for task in counterpart.tasks.values())
            is_status = counterpart.name == "fal" and wire.calls[-1].path.endswith("/status")
            return with_fields(**fields)(reply) if is_done and not is_status else reply

        wire.changes = {"poll": change}
    system.run()
    after = system.jobs.get(job.id)
    assert after.provider is not None
    assert after.provider.ref is not None
    expected = link.format(after.provider.ref)
    assert (after.status, after.provider.result_url, len(counterpart.tasks)) == (JobStatus.FAILED, expected, 1)
    assert "result_host_refused" in [vars(record).get("action") for record in caplog.records]
    assert "signature" not in "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert not [call for call in wire.calls if "example.com" in call.path]


HOSTS = {
    "fal": [
        "https://fal.media/files/x/y.mp4",
        "https://v3.fal.media/files/x/y.mp4",
        "https://v3b.fal.media/files/x/y.mp4",
        "https://storage.googleapis.com/falserverless/x/y.mp4",
    ],
    "replicate": ["https://replicate.delivery/xezq/x/y.mp4", "https://pbxt.replicate.delivery/x/y.mp4"],
    "runway": ["https://dnznrvs05pmza.cloudfront.net/x.mp4?_jwt=1"],
    "luma": ["https://storage.cdn-luma.com/dream_machine/x/y.mp4"],
}
OTHERS = [
    "https://storage.googleapis.com/another/x.mp4",
    "https://storage.googleapis.com/falserverless.evil/x.mp4",
    "https://storage.googleapis.com/falserverless/../another/x.mp4",
    "https://storage.googleapis.com/falserverless/%2e%2e/another/x.mp4",
    "https://storage.googleapis.com/falserverless/%252e%252e/another/x.mp4",
    "https://bucket.s3.amazonaws.com/x.mp4",
    "https://evilfal.media/x.mp4",
    "https://fal.media.example.com/x.mp4",
    "https://fal.media@example.com/x.mp4",
    "http://fal.media/x.mp4",
]


@pytest.mark.parametrize(("name", "url"), [(name, url) for name, urls in HOSTS.items() for url in urls])
def test_the_hosts_that_a_provider_uses_are_allowed(name: str, url: str) -> None:
    hosts = counterpart_of(name)
    counterpart = hosts()
    try:
        provider = counterpart.provider(counterpart.url)
        assert any(_matches(httpx.URL(url), allowed) for allowed in provider._result_hosts)  # type: ignore[attr-defined]
        for other in OTHERS:
            parsed = httpx.URL(other)
            is_allowed = any(_matches(parsed, allowed) for allowed in provider._result_hosts)  # type: ignore[attr-defined]
            assert not is_allowed or parsed.scheme == "http" or parsed.userinfo, other
    finally:
        counterpart.close()


def test_a_shared_host_receives_no_key_and_needs_the_prefix() -> None:
    class Store(LocalServer):
        seen: ClassVar[list[str]] = []

        def answer(self, exchange: Exchange) -> None:
            self.seen.append(exchange.headers.get("authorization", ""))
            exchange.send(Reply(200, b"a video"))

    store, key = Store(), {"Authorization": "Bearer a-key"}
    try:
        with httpx.Client() as http:
            for allowed in ("127.0.0.1/bucket", "127.0.0.1/bucket/", "127.0.0.1"):
                with open_result(http, f"{store.url}/bucket/x.mp4", key, {}, [allowed]) as response:
                    assert response.status_code == 200
            with (
                pytest.raises(ResultRefused),
                open_result(http, f"{store.url}/bucket2/x.mp4", key, {}, ["127.0.0.1/bucket"]),
            ):
                pass
        assert store.seen == ["", "", "Bearer a-key"]
    finally:
        store.close()


def test_empty_cells_have_a_reason() -> None:
    assert all(name in AI_PROVIDERS and reason.endswith(".") for (name, _), reason in NOT_APPLICABLE.items())
