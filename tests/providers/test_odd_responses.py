"""Odd responses to submits, polls and downloads: a paid task is neither abandoned nor paid for twice.

Each case runs for each adapter. `NOT_APPLICABLE` gives the reason of every cell that is empty.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import product
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from tests.builders import a_new_job
from tests.providers.adapters import counterpart_of
from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.server import Counterpart, Exchange, Fate, LocalServer, Reply
from tests.providers.counterparts.veo import VeoCounterpart
from tests.providers.http_wire import Call, Wire
from tests.providers.lifecycle import TOKEN, error_of, fetched, polled_until_done, submitted
from tests.system import InMemorySystem
from videojobs.adapters.retry_after import MAXIMUM_RETRY_AFTER_SECONDS
from videojobs.domain.errors import (
    FailureCode,
    ProviderError,
    ProviderUnreachable,
    ResultRefused,
    UnconfirmedFailure,
)
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.ports.videos import VideoProvider
from videojobs_providers import AI_PROVIDERS
from videojobs_providers.rest.download import Source, download
from videojobs_providers.rest.result_host import _matches, open_result
from videojobs_providers.rest.setup import ProviderSetup, Timeouts
from videojobs_providers.veo import VeoProvider

type Change = Callable[[Reply], Reply]

_NO_CANCEL = "The API can't cancel a task."
_NO_KEY = "The function's role is authorized; the AWS SDK renews its credentials."
_NO_COST = "The API reports no cost, and the adapter reads none."
_PUBLIC = "The store of results needs no key."

NOT_APPLICABLE: Mapping[tuple[str, str], str] = {
    ("bedrock", "numeric reference"): "In botocore's service model the ARN is text.",
    ("bedrock", "link"): "The adapter signs the URL of an object in the deployment's own bucket.",
    ("bedrock", "link in the response"): "The result is an object in the bucket, whose folder each response names.",
    ("openai_compatible", "link in the response"): "The path of the result is made of the task's ID.",
    ("bedrock", "refusal under 2xx"): "AWS sends errors with an error status, and a repeat is idempotent.",
    ("bedrock", "missing key"): _NO_KEY,
    ("bedrock", "error in the status"): "botocore drops fields that the service model does not define.",
    ("replicate", "quota"): "The API sends 402, which means the same at each provider.",
    ("veo", "quota"): "The API sends 429, which does not distinguish a quota from a rate limit.",
    ("bedrock", "quota"): "AWS sends ServiceQuotaExceededException, which test_bedrock.py covers.",
    ("fal", "result in the status"): "The result is a response of its own, which is requested after the status.",
    ("bedrock", "result in the status"): "The result is an object in the bucket, whose folder each response names.",
    **{("bedrock", f"rejected key: {call}"): _NO_KEY for call in ("submit", "poll", "cancel", "fetch")},
    **{(name, "rejected key: cancel"): _NO_CANCEL for name in ("openai_compatible", "luma", "veo", "bedrock")},
    **{(name, "rejected key: fetch"): _PUBLIC for name in ("fal", "runway", "luma")},
    **{(name, "cost"): _NO_COST for name in ("fal", "replicate", "luma", "veo", "bedrock")},
}
"""Reasons of the cells that do not apply, by adapter and case."""


def adapters_with(case: str) -> pytest.MarkDecorator:
    """Return the mark that runs a test for each adapter to which the case applies."""
    names = [name for name in AI_PROVIDERS if (name, case) not in NOT_APPLICABLE]
    return pytest.mark.parametrize("adapter", names, indirect=True)


class OddWire(Wire):
    """Wire that changes the responses to the kinds of calls in `changes`.

    The functions in `rejections` can respond to a call that is then not carried out.
    """

    def __init__(self, counterpart: Counterpart) -> None:
        """Let all calls through unchanged."""
        self.changes: dict[str, Change] = {}
        self.rejections: dict[str, Callable[[Call], Reply | None]] = {}
        self.counterpart = counterpart
        super().__init__(counterpart)

    def answer(self, exchange: Exchange) -> None:
        """Carry out the call, unless it is rejected, and send its response, changed if its kind has a change."""
        kind = self.counterpart.kind(exchange.method, exchange.path)
        if kind not in self.changes and kind not in self.rejections:
            super().answer(exchange)
            return
        call = Call(kind, exchange.method, exchange.path, exchange.headers.get("authorization", ""), "")
        self.calls.append(call)
        if kind in self.rejections and (rejection := self.rejections[kind](call)):
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


class Failing:
    """Change that replaces responses for a period on the virtual clock, from the first one on."""

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


def instead(reply: Reply) -> Change:
    """Return a change that replaces each response; the call is carried out."""
    return lambda _: reply


def with_body(change: Callable[[bytes], bytes]) -> Change:
    """Return a change that keeps the status of a response and changes its body."""
    return lambda reply: Reply(reply.status, change(reply.content), {"Content-Type": "application/json"})


def with_fields(**fields: object) -> Change:
    """Return a change that sets fields of a JSON object; other bodies are kept."""
    return lambda reply: (
        Reply(reply.status, {**json.loads(reply.content), **fields}) if reply.content.startswith(b"{") else reply
    )


def started(provider: VideoProvider, counterpart: Counterpart) -> tuple[InMemorySystem, VideoJob]:
    """Return a system with this provider, and a job that needs one clip."""
    system = InMemorySystem(provider=provider)
    clip = counterpart.request.clip
    assert clip is not None
    return system, system.submit(a_new_job(duration=clip.seconds))


def actions(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[object]:
    """Return the actions of the log records from this level on."""
    return [vars(record).get("action") for record in caplog.records if record.levelno >= level]


def test_every_empty_cell_has_a_reason() -> None:
    assert all(name in AI_PROVIDERS and reason.endswith(".") for (name, _), reason in NOT_APPLICABLE.items())


# ---------------------------------------------------------------- Retry-After


def test_retry_after_of_a_rate_limit_is_valid_and_limited(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref, _ = submitted(provider, counterpart)
    later = format_datetime(datetime.now(UTC) + timedelta(hours=9), usegmt=True)
    for value, seconds in [
        ("7", 7.0),
        (later, MAXIMUM_RETRY_AFTER_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAXIMUM_RETRY_AFTER_SECONDS),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        ("99999999999999", MAXIMUM_RETRY_AFTER_SECONDS),
        *((value, None) for value in ("inf", "nan", "1e400", "1_0", "soon", "")),
    ]:
        limited = instead(Reply(429, {"message": "slow down"}, {"Retry-After": value}))
        wire.changes = {"submit": limited, "poll": limited}
        with pytest.raises(ProviderError) as refused:
            provider.submit(counterpart.request, token=TOKEN)
        assert (refused.value.reason, refused.value.retry_after_seconds) == (FailureCode.RATE_LIMITED, seconds), value
        with pytest.raises(ProviderUnreachable) as limited_poll:
            provider.poll(ref)
        assert limited_poll.value.retry_after_seconds == seconds, value
    wire.changes.clear()
    assert polled_until_done(provider, ref)


# ---------------------------------------------------------------- bodies


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


def test_an_unreadable_body_leaves_the_outcome_unknown(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref, _ = submitted(provider, counterpart)
    for body, change in UNREADABLE.items():
        submits = wire.count("submit")
        wire.changes = {"submit": change, "poll": change}
        with pytest.raises(ProviderUnreachable):
            provider.submit(counterpart.request, token=TOKEN)
        assert wire.count("submit") == submits + 1, body
        with pytest.raises(ProviderUnreachable):
            provider.poll(ref)
    wire.changes.clear()
    assert polled_until_done(provider, ref)


@pytest.mark.parametrize("body", ["a byte order mark", "NaN"])
def test_an_unusual_body_is_read(provider: VideoProvider, wire: OddWire, body: str, tmp_path: Path) -> None:
    def change(reply: Reply) -> Reply:
        content = reply.content
        if not content.startswith(b"{"):  # the list of objects in S3 is XML
            return reply
        odd = content[:-1] + b', "eta": NaN, "more": [Infinity, -Infinity, 1e400]}' if body == "NaN" else content
        return Reply(
            reply.status, odd if body == "NaN" else b"\xef\xbb\xbf" + odd, {"Content-Type": "application/json"}
        )

    wire.changes = {"submit": change, "poll": change}
    ref, _ = submitted(provider, wire.counterpart)
    assert polled_until_done(provider, ref)
    assert fetched(provider, ref, tmp_path) == wire.counterpart.video


# ---------------------------------------------------------------- failures that pass


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


@adapters_with("link in the response")
@pytest.mark.parametrize("nothing", [None, {}], ids=str)
def test_a_finished_task_without_a_video_is_polled_again(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, nothing: object
) -> None:
    system, job = started(provider, counterpart)
    nothing = dict.fromkeys(RESULTS[counterpart.name](""), nothing)
    period = timedelta(seconds=40)
    failing = Failing(system, Reply(200, nothing), period)
    empty = with_fields(**nothing)

    def change(reply: Reply) -> Reply:
        is_done = all(task.ended for task in counterpart.tasks.values())
        return empty(reply) if is_done and failing(reply) is not reply else reply

    wire.changes = {"poll": change}
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, 1)


# ---------------------------------------------------------------- references


REF_FIELDS = dict.fromkeys(AI_PROVIDERS, "id") | {"fal": "request_id", "veo": "name", "bedrock": "invocationArn"}


def test_a_reference_that_cannot_be_used_leaves_the_outcome_unknown(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    texts = ["", " ", "..", "x" * 3000, "x" * 900_000, "a\ud800b", "a\x00b", "a\nb"]
    for number, ref in enumerate([*texts, None, True, 1.5, [], {"id": "1"}], 1):
        wire.changes = {"submit": with_fields(**{REF_FIELDS[counterpart.name]: ref})}
        with pytest.raises(ProviderUnreachable):
            provider.submit(counterpart.request, token=TOKEN)
        assert wire.count("submit") == number


def test_a_reference_of_2048_characters_is_used(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref = "arn:" + "x" * 2044
    wire.changes = {"submit": with_fields(**{REF_FIELDS[counterpart.name]: ref})}
    assert provider.submit(counterpart.request, token=TOKEN).ref.endswith(ref)


@adapters_with("numeric reference")
def test_a_reference_that_is_a_number_is_used(provider: VideoProvider, counterpart: Counterpart, wire: OddWire) -> None:
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
NOT_NUMBERS: list[object] = [None, True, False, -1, 10**400, 1e308, "half", "50%", [], {}]
NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


def test_a_progress_that_is_not_a_valid_number_is_ignored(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref, _ = submitted(provider, counterpart)
    for value in (*NOT_NUMBERS, *NOT_FINITE, 101):
        wire.changes = {"poll": with_fields(**PROGRESS[counterpart.name](value))}
        generation = provider.poll(ref)
        assert (generation.done, generation.progress) == (False, None), value


@pytest.mark.parametrize("adapter", ["replicate"], indirect=True)
def test_replicate_reads_only_the_models_progress_bar(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref, _ = submitted(provider, counterpart)
    for logs, progress in [
        ("Loading weights: 100%\nGPU memory 85%", None),
        ("Loading weights: 100%\nGPU memory 85%\n 12%|█▏  | 6/50 [00:03<00:22]", 0.12),
        ("  2%|▏ | 1/50\r 30%|███  | 15/50 [00:09]\nLoading pipeline: 100%|█████| 5/5", 0.3),
        ("Downloading: 100%|██████| 5/5", None),
        ("999%|█| 1/1", None),
        (" " * 100_000 + "1%|" + "█" * 100_000, None),
    ]:
        wire.changes = {"poll": with_fields(status="processing", logs=logs)}
        assert provider.poll(ref).progress == progress, logs[:100]


@adapters_with("cost")
def test_a_cost_that_is_not_a_valid_number_is_ignored(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref, _ = submitted(provider, counterpart)
    assert polled_until_done(provider, ref)
    for cost in (value for value in (*NOT_NUMBERS, *NOT_FINITE) if value is not False):
        wire.changes = {"poll": with_fields(cost={"credits": cost}, usage={"cost": cost})}
        assert provider.poll(ref).cost_usd is None, cost


# ---------------------------------------------------------------- states


STATE_FIELDS = dict.fromkeys(AI_PROVIDERS, "status") | {"luma": "state", "veo": "done"}
LETTER_CASES: list[Callable[[str], str]] = [str.upper, str.lower, str.title, str.swapcase]
RUNNING = "queued|PENDING|Processing|in-progress|In Progress|NOT_START|submitted|running|INPROGRESS"
DONE = "succeeded|success|SUCCEED|Completed|complete|done|finished"
FAILED = "failed|Failure|error|ERRORED|canceled|cancelled|CANCELED|aborted|rejected|expired"


def change_state(counterpart: Counterpart, change: Callable[[str], str]) -> Change:
    """Return a change of the state in a response that has one; a boolean, which Veo sends, becomes text first."""
    field = STATE_FIELDS[counterpart.name]

    def apply(reply: Reply) -> Reply:
        payload = json.loads(reply.content) if reply.content.startswith(b"{") else {}
        if field not in payload:
            return reply
        return Reply(reply.status, {**payload, field: change(str(payload[field]))})

    return apply


def with_state(counterpart: Counterpart, state: str) -> Change:
    """Return a change that sets the state in a response that has one."""
    return change_state(counterpart, lambda _: state)


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
    assert not actions(caplog)
    counterpart.fate = Fate.FAILS
    if counterpart.name != "bedrock":  # one token is one task
        error = error_of(provider, counterpart)
        assert (type(error), error.reason) == (ProviderError, FailureCode.PROVIDER_ERROR)


def test_synonyms_of_states_are_known(
    provider: VideoProvider,
    counterpart: Counterpart,
    wire: OddWire,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ref, task = submitted(provider, counterpart)
    for state in RUNNING.split("|"):
        task.polls = 0
        wire.changes = {"poll": with_fields(**{STATE_FIELDS[counterpart.name]: state})}
        assert not provider.poll(ref).done, state
    wire.changes.clear()
    assert polled_until_done(provider, ref)
    for state in DONE.split("|"):
        wire.changes = {"poll": with_state(counterpart, state)}
        assert provider.poll(ref).done, state
        assert fetched(provider, ref, tmp_path) == counterpart.video
    assert not actions(caplog)


def test_synonyms_of_failed_are_known(provider: VideoProvider, counterpart: Counterpart, wire: OddWire) -> None:
    counterpart.fate = Fate.FAILS
    ref, _ = submitted(provider, counterpart)
    provider.poll(ref)
    provider.poll(ref)
    for state in FAILED.split("|"):
        wire.changes = {"poll": with_state(counterpart, state)}
        with pytest.raises(ProviderError) as failed:
            provider.poll(ref)
        assert not isinstance(failed.value, ProviderUnreachable), state


def test_a_state_of_any_other_value_is_polled_again(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, caplog: pytest.LogCaptureFixture
) -> None:
    ref, task = submitted(provider, counterpart)
    states: list[object] = [None, 7, [], ["completed"], {"a": 1}, "x" * 100_000, "a\ud800b"]
    for state in states:
        task.polls = 0
        wire.changes = {"poll": with_fields(**{STATE_FIELDS[counterpart.name]: state})}
        try:
            assert not provider.poll(ref).done
        except ProviderUnreachable:  # botocore rejects values of another type
            assert counterpart.name == "bedrock"
    assert sum(len(str(vars(record).get("state"))) for record in caplog.records) < 1000
    wire.changes.clear()
    assert polled_until_done(provider, ref)


@adapters_with("result in the status")
def test_an_unknown_state_with_a_result_is_done(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, tmp_path: Path
) -> None:
    ref, _ = submitted(provider, counterpart)
    assert polled_until_done(provider, ref)
    link = {"unsigned_urls": ["https://x.test/v.mp4"]} if counterpart.name == "openai_compatible" else {}
    wire.changes = {"poll": with_fields(**{STATE_FIELDS[counterpart.name]: "wrapped up", **link})}
    assert provider.poll(ref).done
    assert fetched(provider, ref, tmp_path) == counterpart.video


@adapters_with("error in the status")
def test_an_unknown_state_with_an_error_is_not_believed_at_once(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    ref, _ = submitted(provider, counterpart)
    state = {STATE_FIELDS[counterpart.name]: "trying again"}
    wire.changes = {"poll": with_fields(**state, error="The upstream server does not respond.")}
    with pytest.raises(UnconfirmedFailure) as failed:
        provider.poll(ref)
    assert (failed.value.reason, failed.value.transient) == (FailureCode.PROVIDER_ERROR, True)
    wire.changes = {"poll": with_fields(**state, error=WORDS)}
    with pytest.raises(ProviderError) as rejected:
        provider.poll(ref)
    if counterpart.name in {"openai_compatible", "replicate", "veo"}:  # the others have a code in another field
        assert rejected.value.reason is FailureCode.CONTENT_REJECTED


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
ERRORS: list[object] = ["Internal error", {"code": 500, "message": "Upstream failed."}, {"message": "Try again"}, [1]]


@pytest.mark.parametrize("status", [400, 403, 422])
def test_moderation_is_content_rejected_and_sent_once_without_an_alarm(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    error_type = {"x-amzn-ErrorType": "ValidationException"} if counterpart.name == "bedrock" else {}
    for number, payload in enumerate(MODERATED[counterpart.name], 1):
        system, job = started(provider, counterpart)
        wire.changes = {"submit": instead(Reply(status, payload, error_type))}
        system.run()
        after = system.jobs.get(job.id)
        assert after.error is not None
        assert (after.status, after.error.code) == (JobStatus.FAILED, FailureCode.CONTENT_REJECTED), payload
        assert wire.count("submit") == number
    assert not actions(caplog)


QUOTA: dict[str, object] = {
    "fal": {"detail": "User is locked. Reason: Exhausted balance."},
    "runway": {"error": "You do not have enough credits to run this task."},
    "openai_compatible": {"error": {"code": "insufficient_quota", "message": "Pay."}},
    "luma": {"detail": "No.", "failure_code": "budget_exhausted"},
}


@adapters_with("quota")
def test_a_used_up_quota_is_known_and_sent_once(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    for number, status in enumerate([400, 403, 422], 1):
        wire.changes = {"submit": instead(Reply(status, QUOTA[counterpart.name]))}
        with pytest.raises(ProviderError) as refused:
            provider.submit(counterpart.request, token=TOKEN)
        assert refused.value.reason is FailureCode.QUOTA_EXHAUSTED, status
        assert wire.count("submit") == number


@adapters_with("refusal under 2xx")
def test_moderation_under_a_2xx_status_without_an_id_is_content_rejected(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    for number, payload in enumerate(MODERATED[counterpart.name], 1):
        wire.changes = {"submit": instead(Reply(200, payload))}
        with pytest.raises(ProviderError) as refused:
            provider.submit(counterpart.request, token=TOKEN)
        assert (refused.value.reason, refused.value.transient) == (FailureCode.CONTENT_REJECTED, False), payload
        assert wire.count("submit") == number


def test_any_other_error_under_a_2xx_status_without_an_id_leaves_the_outcome_unknown(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    for number, error in enumerate(ERRORS, 1):
        wire.changes = {"submit": instead(Reply(200, {"error": error}))}
        with pytest.raises(ProviderUnreachable):
            provider.submit(counterpart.request, token=TOKEN)
        assert wire.count("submit") == number


@pytest.mark.parametrize("error", [ERRORS[1], {"message": WORDS}])
def test_an_error_in_the_response_to_a_submit_with_an_id_does_not_abandon_the_task(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, error: object
) -> None:
    system, job = started(provider, counterpart)
    wire.changes = {"submit": with_fields(error=error)}
    system.run()
    assert (system.jobs.get(job.id).status, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1)


@pytest.mark.parametrize("has_id", [True, False])
def test_an_error_without_a_state_in_a_poll_does_not_abandon_the_task(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, has_id: bool
) -> None:
    for number, error in enumerate(ERRORS, 1):
        system, job = started(provider, counterpart)
        payload = {"error": error, **({REF_FIELDS[counterpart.name]: "a-task"} if has_id else {})}
        failing = Failing(system, Reply(200, payload), timedelta(seconds=40))
        wire.changes = {"poll": failing}
        system.run()
        after = system.jobs.get(job.id)
        assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, number), error
        assert failing.count > 0


def test_an_empty_error_is_not_an_error(provider: VideoProvider, counterpart: Counterpart, wire: OddWire) -> None:
    ref = ""
    for error in (None, "", {}, {"code": None, "message": ""}, {"code": 0, "message": ""}, []):
        wire.changes = {"submit": with_fields(error=error), "poll": with_fields(error=error)}
        if not ref or counterpart.name != "bedrock":  # one token is one task
            ref, _ = submitted(provider, counterpart)
        assert polled_until_done(provider, ref), error


def test_a_refused_poll_does_not_abandon_the_task(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire
) -> None:
    for number, status in enumerate([400, 402, 403, 422, 429], 1):
        system, job = started(provider, counterpart)
        payload = {"error": {"code": "insufficient_quota", "message": WORDS}, "detail": WORDS}
        failing = Failing(system, Reply(status, payload), timedelta(minutes=5))
        wire.changes = {"poll": failing}
        system.run()
        after = system.jobs.get(job.id)
        assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, number), status
        assert failing.count > 0


# ---------------------------------------------------------------- rejected keys


KEY_CASES = [
    (name, call)
    for name, call in product(AI_PROVIDERS, ["submit", "poll", "cancel", "fetch"])
    if (name, f"rejected key: {call}") not in NOT_APPLICABLE
]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("adapter", "call"), KEY_CASES, indirect=["adapter"])
def test_a_key_that_any_call_rejects_is_read_again(
    provider: VideoProvider, wire: OddWire, call: str, status: int, tmp_path: Path
) -> None:
    rejected: list[str] = []

    def reject_first(rejected_call: Call) -> Reply | None:
        if rejected and rejected_call.authorization not in rejected:
            return None
        rejected.append(rejected_call.authorization)
        return Reply(status, {"error": {"message": "invalid key"}})

    wire.rejections = {call: reject_first}
    ref, _ = submitted(provider, wire.counterpart)
    if call == "cancel":
        provider.cancel(ref)
    else:
        assert polled_until_done(provider, ref)
        assert fetched(provider, ref, tmp_path) == wire.counterpart.video
    assert rejected
    assert len(wire.counterpart.tasks) == 1


@adapters_with("missing key")
def test_a_key_that_is_missing_for_a_while_does_not_abandon_the_task(counterpart: Counterpart, wire: OddWire) -> None:
    keys: dict[str, Any] = {"key": "a-key"}
    if isinstance(counterpart, VeoCounterpart):
        keys["serviceAccount"] = counterpart.account()
    key = dict(keys)

    def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
        return key

    counterpart.key_reader = lambda *_, **__: read_key  # type: ignore[method-assign]
    system, job = started(counterpart.provider(wire.url, call_seconds=PATIENCE_SECONDS), counterpart)
    system.deliver(system.queue.drain()[0])
    key.clear()
    wire.rejections = {call: lambda _: Reply(401, {}) for call in ("poll", "fetch")}
    for _ in range(5):
        system.deliver(system.queue.drain()[0])
    assert system.jobs.get(job.id).attempt == 1
    wire.rejections.clear()
    key.update(keys)
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.attempt, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1, 1)


@pytest.fixture
def veo() -> Iterator[VeoCounterpart]:
    """Yield Vertex AI."""
    counterpart = VeoCounterpart()
    yield counterpart
    counterpart.close()


def veo_with(counterpart: VeoCounterpart, *accounts: str) -> VeoProvider:
    """Return an adapter whose key is that of the first account, and after each refresh that of the next one."""
    left = list(accounts)

    def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
        if refresh and len(left) > 1:
            left.pop(0)
        return {"serviceAccount": counterpart.account(left[0])}

    options = {"baseUrl": counterpart.url, "storageUrl": counterpart.url, "project": "a-project"}
    return VeoProvider(ProviderSetup(read_key, options, timeouts=Timeouts(PATIENCE_SECONDS)))


def test_a_deleted_key_of_veo_is_replaced_by_a_fresh_one(veo: VeoCounterpart) -> None:
    provider, sign_in = veo_with(veo, "old@x.test", "new@x.test"), veo._sign_in

    def reject_old(body: bytes) -> Reply:
        issuer = jwt.decode(parse_qs(body.decode())["assertion"][0], options={"verify_signature": False})["iss"]
        return Reply(400, {"error": "invalid_grant"}) if issuer == "old@x.test" else sign_in(body)

    veo._sign_in = reject_old  # type: ignore[method-assign]
    assert provider.submit(veo.request, token=TOKEN).ref
    assert len(veo.tasks) == 1


def test_a_rejected_key_of_veo_is_read_again_at_each_call(veo: VeoCounterpart) -> None:
    provider = veo_with(veo, *(f"{number}@x.test" for number in range(4)))
    veo._sign_in = lambda _: Reply(400, {"error": "invalid_grant"})  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(ProviderError) as refused:
            provider.submit(veo.request, token=TOKEN)
        assert not refused.value.transient
    del veo._sign_in
    assert provider.submit(veo.request, token=TOKEN).ref


def test_a_video_of_veo_that_is_not_base64_is_not_believed_at_once(veo: VeoCounterpart, tmp_path: Path) -> None:
    provider = veo_with(veo, "videos@x.test")
    ref = provider.submit(veo.request, token=TOKEN).ref
    assert polled_until_done(provider, ref)
    responses: list[dict[str, Any]] = []
    veo._outcome = lambda *_: responses[-1]  # type: ignore[method-assign]
    for content in ("", "%%%", "abc"):
        responses.append({"response": {"videos": [{"bytesBase64Encoded": content}]}})
        with pytest.raises(UnconfirmedFailure):
            fetched(provider, ref, tmp_path)


# ---------------------------------------------------------------- result hosts


RESULTS: dict[str, Callable[[str], dict[str, object]]] = {
    "fal": lambda url: {"video": {"url": url}},
    "replicate": lambda url: {"output": url},
    "runway": lambda url: {"output": [url]},
    "luma": lambda url: {"output": [{"type": "video", "url": url}]},
    "veo": lambda url: {"response": {"videos": [{"gcsUri": url}]}},
}
ELSEWHERE = "https://results.example.com/a/video.mp4?signature=1"


@adapters_with("link")
def test_a_link_to_another_host_is_kept_in_the_job(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, caplog: pytest.LogCaptureFixture
) -> None:
    system, job = started(provider, counterpart)
    link = "gs://another-bucket/video.mp4" if counterpart.name == "veo" else ELSEWHERE
    if counterpart.name == "openai_compatible":
        wire.rejections = {"fetch": lambda _: Reply(302, None, {"Location": ELSEWHERE})}
    else:
        fields = with_fields(**RESULTS[counterpart.name](link))

        def change(reply: Reply) -> Reply:
            is_done = all(task.ended for task in counterpart.tasks.values())
            is_status = counterpart.name == "fal" and wire.calls[-1].path.endswith("/status")
            return fields(reply) if is_done and not is_status else reply

        wire.changes = {"poll": change}
    system.run()
    after = system.jobs.get(job.id)
    assert after.provider is not None
    assert after.provider.ref is not None
    assert (after.status, after.provider.result_url, len(counterpart.tasks)) == (JobStatus.FAILED, link, 1)
    assert "result_host_refused" in actions(caplog)
    assert "signature" not in "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)


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
]


@pytest.mark.parametrize("name", HOSTS)
def test_only_the_hosts_that_a_provider_uses_are_allowed(name: str) -> None:
    counterpart = counterpart_of(name)()
    try:
        allowed_hosts: list[str] = list(counterpart.provider(counterpart.url)._result_hosts)  # type: ignore[attr-defined]
    finally:
        counterpart.close()

    def is_allowed(url: str) -> bool:
        return any(_matches(httpx.URL(url), allowed) for allowed in allowed_hosts)

    assert [url for url in HOSTS[name] if not is_allowed(url)] == []
    assert [url for url in OTHERS if is_allowed(url)] == []


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


def test_odd_headers_of_a_download_are_ignored(tmp_path: Path) -> None:
    replies: list[tuple[Reply, int | None]] = []

    class Store(LocalServer):
        def answer(self, exchange: Exchange) -> None:
            reply, cut_at = replies.pop(0)
            exchange.send(reply, cut_at=cut_at)

    store, path, video = Store(), tmp_path / "clip.mp4", b"v" * 100_000
    endless = Reply(206, video[50_000:], {"Content-Range": f"bytes 50000-99999/{'9' * 5000}"})
    try:
        for etag, second in [('"ü"', Reply(200, video)), ('"v1"', endless)]:
            replies[:] = [(Reply(200, video, {"Etag": etag}), 50_000), (second, None), (Reply(200, video), None)]
            download(lambda: Source(store.url), path, allowed_hosts=["127.0.0.1"], on_progress=lambda _: None)
            assert path.read_bytes() == video
    finally:
        store.close()


@pytest.mark.parametrize("adapter", ["bedrock"], indirect=True)
def test_an_odd_location_of_a_result_is_not_believed_at_once(
    provider: VideoProvider, counterpart: Counterpart, wire: OddWire, tmp_path: Path
) -> None:
    ref, _ = submitted(provider, counterpart)
    assert polled_until_done(provider, ref)
    for config in ({}, {"s3OutputDataConfig": {}}, {"s3OutputDataConfig": {"s3Uri": "https://x.test"}}):
        wire.changes = {"poll": with_fields(outputDataConfig=config)}
        with pytest.raises((ProviderUnreachable, UnconfirmedFailure)):
            fetched(provider, ref, tmp_path)
    wire.changes.clear()
    assert fetched(provider, ref, tmp_path) == counterpart.video
