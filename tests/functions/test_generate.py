"""POST /api/videos/generate: what is taken on, and what is refused with which words."""

import base64
import json

import pytest

from videojobs import bootstrap
from videojobs.domain.job import JobStatus, Step

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}


def test_a_valid_request_is_queued_and_answered_with_its_id(sut):
    answer = sut.post(REQUEST)
    assert answer.status == 201
    (job,) = sut.jobs.all()
    assert answer.json == {"success": True, "data": {"jobId": job.id, "status": "queued"}}
    assert answer.headers["location"] == f"/api/videos/{job.id}"
    assert (job.status, job.prompt, job.style, job.duration) == (JobStatus.QUEUED, "A paper boat", "calm", 8)
    assert job.next is not None
    assert job.next.step is Step.START
    assert [(sent.job_id, sent.step_id) for sent in sut.queue.sent] == [(job.id, job.next.id)]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "GET"])
def test_another_method_is_not_found(sut, method):
    answer = sut.post(REQUEST, httpMethod=method)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_another_path_is_not_found(sut):
    answer = sut.post(REQUEST, path="/api/videos/generate/more", resource="/{proxy+}")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "prompt",
    [
        "x",
        "x" * 1000,
        "🛶" * 1000,
        "a\u0000b",
        "\0",
        "\u202eabc\u200f",
        "  kept  ",
        "e\u0301",
        '{"$ne": null}',
        "\ufeff",
        "\u200b",
    ],
)
def test_any_text_is_carried_faithfully(sut, prompt):
    assert sut.post(REQUEST | {"prompt": prompt}).status == 201
    (job,) = sut.jobs.all()
    assert job.prompt == prompt


@pytest.mark.parametrize(
    ("written", "kept"), [("8", 8), ("7.5", 7.5), ("8.0", 8.0), ("1", 1), ("60", 60), ("6e1", 60.0)]
)
def test_a_duration_is_kept_as_it_came(sut, written, kept):
    assert sut.post(json.dumps(REQUEST | {"duration": 0}).replace(": 0", f": {written}")).status == 201
    (job,) = sut.jobs.all()
    assert (job.duration, type(job.duration)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("prompt", value)
            for value in ["", " ", "\t\r\n\v\f", "\u3000\u2003\u00a0\u0085\u1680\u202f\u205f", "x" * 1001]
        ),
        *(
            ("prompt", value)
            for value in ["🛶" * 1001, 1, 1.5, True, None, [], ["x"], {"$ne": ""}, {"$gt": None}, "\ud800"]
        ),
        *(("prompt", value) for value in ["x\udc00y", "\udc00\ud800"]),
        *(
            ("style", value)
            for value in ["", "FUN", "fun ", "sad", 1, True, None, [], ["fun"], {"$in": ["fun"]}, "\ud800"]
        ),
        *(("duration", value) for value in [0, 0.999, 60.001, 61, -1, 10**30, -(10**30), True, False, None]),
        *(("duration", value) for value in ["8", "", [], [8], {"$gt": 0}]),
        *(("aspectRatio", value) for value in ["", "16x9", "16:10", 1, 1.78, None, [], {"$exists": True}]),
    ],
)
def test_a_value_that_breaks_its_rule_is_named_and_explained(sut, field, value):
    answer = sut.post(REQUEST | {field: value})
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.details) == [field]
    assert len(answer.details[field]) > 20
    assert sut.jobs.all() == []


@pytest.mark.parametrize("field", REQUEST)
def test_a_missing_field_is_named(sut, field):
    answer = sut.post({name: value for name, value in REQUEST.items() if name != field})
    assert answer.status == 400
    assert list(answer.details) == [field]
    assert answer.details[field].startswith("Is missing. Must be ")


@pytest.mark.parametrize("name", ["aspect_ratio", "Prompt", "", "$where", "__proto__", "userId", "é" * 3000, "status"])
def test_an_unknown_field_is_refused_so_that_a_typo_cannot_pass(sut, name):
    answer = sut.post(REQUEST | {name: "16:9"})
    assert answer.status == 400
    takes = "prompt, style, duration, aspectRatio, priority, provider"
    assert answer.details == {name[:64]: f"Is not a field of this request. Use only: {takes}."}


def test_every_problem_is_told_at_once_but_never_without_end(sut):
    answer = sut.post({"prompt": " ", "style": 1, "duration": "8"} | {f"x{n}": n for n in range(3000)})
    assert answer.status == 400
    assert list(answer.details)[:4] == ["prompt", "style", "duration", "aspectRatio"]
    assert len(answer.details) == 20


GARBAGE = {
    "no body": None,
    "an empty body": "",
    "white space": "  \n",
    "half a JSON": '{"prompt": "A paper b',
    "a bare word": "prompt",
    "a comma too many": '{"prompt": "x",}',
    "single quotes": "{'prompt': 'x'}",
    "a comment": '{} // {"prompt": "x"}',
    "two documents": "{}{}",
    "a byte order mark": "\ufeff{}",
    "an array": "[]",
    "a string": '"prompt"',
    "a number": "8",
    "true": "true",
    "null": "null",
    "NaN": '{"duration": NaN}',
    "Infinity": '{"duration": Infinity}',
    "minus Infinity": '{"duration": -Infinity}',
    "a bare NaN": "NaN",
    "an infinite float": json.dumps(REQUEST).replace("8", "1e999"),
    "a number of 5,000 digits": json.dumps(REQUEST).replace("8", "9" * 5000),
    "a number of 60,000 digits": '{"duration": ' + "9" * 60_000 + "}",
    "a 5,000-deep array": "[" * 5000 + "]" * 5000,
    "a 5,000-deep object": '{"a":' * 5000 + "1" + "}" * 5000,
    "a 5,000-deep prompt": '{"prompt": ' + "[" * 5000 + "]" * 5000 + "}",
    "60,000 open brackets": "[" * 60_000,
    "a control character in a string": '{"prompt": "a\nb"}',
    "a raw NUL": '{"prompt": "a\0b"}',
    "a lone surrogate": json.dumps(REQUEST | {"prompt": "\ud800"}),
    "a raw lone surrogate": '{"prompt": "\ud800"}',
    "a lone surrogate for a name": '{"\\ud800": 1}',
    "a duplicated key": '{"prompt": "a", "prompt": "b"}',
    "a duplicated key, deep inside": '{"prompt": [{"a": 1, "a": 1}]}',
    "a duplicated key of surrogates": '{"\\ud800": 1, "\\ud800": 2}',
    "XML": "<?xml version='1.0'?><x/>",
    "a form": "prompt=x&style=fun",
    "a Mongo operator": '{"prompt": {"$ne": null}}',
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_with_words(sut, body):
    answer = sut.post(body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert answer.details
    assert all(message.endswith(".") for message in answer.details.values())
    assert sut.jobs.all() == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"prompt": "\xff"}', "Is not valid UTF-8. Send the body in UTF-8."),
        (b'{"prompt": "\xed\xa0\x80"}', "Is not valid UTF-8. Send the body in UTF-8."),
        (b'{"prompt": "\xc0\xaf"}', "Is not valid UTF-8. Send the body in UTF-8."),
        ("{}".encode("utf-16"), "Is not valid UTF-8. Send the body in UTF-8."),
        (b"\x00\x01\x02", "Is not valid JSON: Expecting value (line 1, column 1)."),
    ],
)
def test_bytes_that_are_no_text_are_refused(sut, raw, message):
    answer = sut.post(base64.b64encode(raw).decode(), isBase64Encoded=True)
    assert (answer.status, answer.details) == (400, {"body": message})


@pytest.mark.parametrize("body", ["not base64!", "e30", "e30=x", "é", "\ud800"])
def test_a_body_that_is_no_base64_though_it_says_so_is_refused(sut, body):
    assert sut.post(body, isBase64Encoded=True).status == 400


def test_a_base64_body_is_read(sut):
    raw = json.dumps(REQUEST | {"prompt": "Grüße 🛶"}, ensure_ascii=False).encode()
    assert sut.post(base64.b64encode(raw).decode(), isBase64Encoded=True).status == 201
    (job,) = sut.jobs.all()
    assert job.prompt == "Grüße 🛶"


def padded(size_bytes: int, filler: str = " ") -> str:
    text = json.dumps(REQUEST)
    return text + filler * ((size_bytes - len(text)) // len(filler.encode()))


def test_a_body_of_64_kib_is_read(sut):
    assert sut.post(padded(64 * 1024)).status == 201
    assert sut.post(base64.b64encode(padded(64 * 1024).encode()).decode(), isBase64Encoded=True).status == 201


@pytest.mark.parametrize(
    ("body", "is_base64"),
    [
        (padded(64 * 1024 + 1), False),
        (padded(6_000_000), False),
        ('{"prompt": "' + "é" * 32_800 + '"}', False),
        (base64.b64encode(padded(64 * 1024 + 1).encode()).decode(), True),
        (base64.b64encode(b"[" * 6_000_000).decode(), True),
        ("!" * 6_000_000, True),
    ],
    ids=["one byte over", "6 MB", "few characters, many bytes", "base64", "6 MB in base64", "no base64"],
)
def test_a_body_over_64_kib_is_too_large(sut, body, is_base64):
    answer = sut.post(body, isBase64Encoded=is_base64)
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert "64 KiB" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "json",
        "application/jsonp",
        "text/plain; application/json",
        "application/merge-patch+json",
        None,
    ],
)
def test_a_body_that_is_not_declared_as_json_is_refused(sut, content_type):
    answer = sut.post(REQUEST, headers={"Content-Type": content_type})
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"]
)
def test_json_is_known_by_its_media_type_alone(sut, content_type):
    assert sut.post(REQUEST, headers={"Content-Type": content_type}).status == 201


def test_mongodb_out_of_reach_is_503_with_retry_after(sut):
    sut.jobs.available = False
    answer = sut.post(REQUEST)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    assert sut.queue.sent == []


def test_sqs_out_of_reach_delays_a_job_and_refuses_none(sut):
    sut.queue.available = False
    answer = sut.post(REQUEST)
    assert answer.status == 201
    (job,) = sut.jobs.all()
    assert job.next is not None


def test_a_bug_is_500_and_says_nothing_but_that(sut, monkeypatch):
    monkeypatch.setattr(sut.jobs, "add", lambda _: {}["mongodb://user:hunter2@host"])
    answer = sut.post(REQUEST)
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert "hunter2" not in answer.text
    (line,) = [json.loads(line) for line in sut.log.getvalue().splitlines() if "request_answered" in line]
    assert (line["level"], line["status"]) == ("ERROR", 500)
    assert "KeyError" in line["exception"]


def test_the_same_key_and_request_again_is_the_same_answer_and_no_second_job(sut):
    key = {"Idempotency-Key": "first-video"}
    first, again = (sut.post(REQUEST, headers=key) for _ in range(2))
    (job,) = sut.jobs.all()
    sut.jobs.put(job.moved(JobStatus.PROCESSING, job.updated_at, "started"))
    late = sut.post(REQUEST | {"duration": 8.0}, headers=key)
    assert first.status == again.status == late.status == 201
    assert first.text == again.text == late.text
    assert first.headers["location"] == late.headers["location"]
    assert ["idempotent-replayed" in answer.headers for answer in (first, again, late)] == [False, True, True]


def test_the_same_key_for_another_request_is_a_mismatch(sut):
    key = {"Idempotency-Key": "first-video"}
    assert sut.post(REQUEST, headers=key).status == 201
    answer = sut.post(REQUEST | {"duration": 9}, headers=key)
    assert (answer.status, answer.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert len(sut.jobs.all()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\nb", "\0", "\ud800"])
def test_a_key_that_is_no_key_is_named(sut, key):
    answer = sut.post(REQUEST, headers={"Idempotency-Key": key})
    assert (answer.status, list(answer.details)) == (400, ["Idempotency-Key"])


def test_a_provider_that_requests_may_choose_is_remembered(sut):
    answer = sut.post(REQUEST | {"provider": "fal"})
    assert answer.status == 201
    assert sut.jobs.get(answer.json["data"]["jobId"]).requested_provider == "fal"
    assert sut.jobs.get(sut.post(REQUEST).json["data"]["jobId"]).requested_provider is None


@pytest.mark.parametrize("name", ["simulated", "nobody"])
def test_any_other_provider_is_refused(sut, name):
    answer = sut.post(REQUEST | {"provider": name})
    assert (answer.status, answer.details) == (400, {"provider": "Must be one of: sketch, fal."})


@pytest.mark.parametrize("wrong", [None, "", 1, ["fal"], "Fal", "f" * 41])
def test_what_is_no_name_of_a_provider_is_refused(sut, wrong):
    answer = sut.post(REQUEST | {"provider": wrong})
    assert (answer.status, list(answer.details)) == (400, ["provider"])


def test_where_none_may_be_chosen_the_answer_says_so(sut, monkeypatch):
    monkeypatch.setattr(bootstrap, "allowed_providers", lambda: ())
    answer = sut.post(REQUEST | {"provider": "fal"})
    assert answer.details == {"provider": "Can't be chosen in this deployment. Omit this field."}


def test_a_batch_names_each_item_whose_provider_is_refused(sut):
    items = [REQUEST, REQUEST | {"provider": "fal"}, REQUEST | {"provider": "nobody"}]
    answer = sut.post_batch({"items": items})
    assert answer.details == {"items[2].provider": "Must be one of: sketch, fal."}


def test_a_key_means_another_request_where_the_provider_is_another(sut):
    headers = {"Idempotency-Key": "one"}
    assert sut.post(REQUEST, headers=headers).status == 201
    assert sut.post(REQUEST | {"provider": "fal"}, headers=headers).code == "IDEMPOTENCY_MISMATCH"
