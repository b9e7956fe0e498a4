"""POST /api/videos/generate: accepted and refused requests, and the messages of refusals."""

import base64
import json
import unicodedata
from urllib.parse import urljoin

import pytest

from videojobs import bootstrap
from videojobs.domain.job import JobStatus, Step

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}


def test_a_valid_request_is_queued_and_its_id_returned(sut):
    response = sut.post(REQUEST)
    assert response.status == 201
    (job,) = sut.jobs.all()
    assert response.json == {"success": True, "data": {"jobId": job.id, "status": "queued"}}
    assert urljoin("/api/videos/generate", response.headers["location"]) == f"/api/videos/{job.id}"
    assert (job.status, job.prompt, job.style, job.duration) == (JobStatus.QUEUED, "A paper boat", "calm", 8)
    assert job.next is not None
    assert job.next.step is Step.START
    assert [(sent.job_id, sent.step_id) for sent in sut.queue.sent] == [(job.id, job.next.id)]


ADDRESSES = [
    "https://api.example.com",
    "https://abc123.execute-api.eu-central-1.amazonaws.com/dev",
    "http://127.0.0.1:4566/_aws/execute-api/abc123/local",
    "http://127.0.0.1:3000",
]
"""A domain or CloudFront; API Gateway's own address; the local system's; `sam local start-api`."""


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_location_can_be_followed_at_every_address(sut, address, slash):
    for call, path, resource in ((sut.post, "generate", "videos"), (sut.post_batch, "batch", "batches")):
        body = REQUEST if path == "generate" else {"items": [REQUEST]}
        requested = f"/api/videos/{path}{slash}"
        response = call(body, path=requested)
        created = response.json["data"].get("jobId") or response.json["data"]["batchId"]
        location = response.headers["location"]
        assert urljoin(address + requested, location) == f"{address}/api/{resource}/{created}"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_another_method_is_not_found(sut, method):
    response = sut.post(REQUEST, httpMethod=method)
    assert (response.status, response.code) == (404, "NOT_FOUND")


def test_another_path_is_not_found(sut):
    response = sut.post(REQUEST, path="/api/videos/generate/more", resource="/{proxy+}")
    assert (response.status, response.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "prompt",
    [
        "x",
        "x" * 1000,
        "🛶" * 1000,
        "a\u0000b",
        "\u202eabc\u200f",
        "  kept  ",
        "e\u0301",
        '{"$ne": null}',
        "\ufeff\u200bx",
        "\ufffd",
        "\u0301",
        "👩\u200d🚀",
        "❤\ufe0f",
        "\ue000",
    ],
)
def test_any_text_is_stored_unchanged(sut, prompt):
    assert sut.post(REQUEST | {"prompt": prompt}).status == 201
    (job,) = sut.jobs.all()
    assert job.prompt == prompt


@pytest.mark.parametrize(
    ("sent", "stored"), [("8", 8), ("7.5", 7.5), ("8.0", 8.0), ("1", 1), ("60", 60), ("6e1", 60.0)]
)
def test_a_duration_is_stored_as_sent(sut, sent, stored):
    assert sut.post(json.dumps(REQUEST | {"duration": 0}).replace(": 0", f": {sent}")).status == 201
    (job,) = sut.jobs.all()
    assert (job.duration, type(job.duration)) == (stored, type(stored))


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
        *(("prompt", value) for value in ["\u200b", "\ufeff", "\u2800", "\u3164", "\u202e", "\u00ad", "\0", "\x1b"]),
        *(("prompt", value) for value in ["\u115f\u1160\uffa0", "\u2060 \u200d\n", "\ufe0f", "\U000e0041\U000e007f"]),
        *(
            ("style", value)
            for value in ["", "FUN", "fun ", "sad", 1, True, None, [], ["fun"], {"$in": ["fun"]}, "\ud800"]
        ),
        *(("duration", value) for value in [0, 0.999, 60.001, 61, -1, 10**30, -(10**30), True, False, None]),
        *(("duration", value) for value in ["8", "", [], [8], {"$gt": 0}]),
        *(("aspectRatio", value) for value in ["", "16x9", "16:10", 1, 1.78, None, [], {"$exists": True}]),
    ],
)
def test_an_invalid_value_is_reported_with_its_field(sut, field, value):
    response = sut.post(REQUEST | {field: value})
    assert (response.status, response.code) == (400, "VALIDATION_ERROR")
    assert list(response.details) == [field]
    assert len(response.details[field]) > 20
    assert sut.jobs.all() == []


def test_no_character_that_is_not_drawn_makes_a_prompt_alone(sut):
    blank = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code))[0] in "ZC"]
    blank = "".join(character for character in blank if unicodedata.category(character) not in {"Co", "Cn", "Cs"})
    for begin in range(0, len(blank), 40):
        items = [REQUEST | {"prompt": character} for character in blank[begin : begin + 40]]
        response = sut.post_batch({"items": items})
        assert response.status == 400
        assert len(response.details) == min(len(items), 20)
    assert sut.post_batch({"items": [REQUEST | {"prompt": blank[-1000:]}]}).status == 400
    assert sut.jobs.all() == []


@pytest.mark.parametrize("field", REQUEST)
def test_a_missing_field_is_reported(sut, field):
    response = sut.post({name: value for name, value in REQUEST.items() if name != field})
    assert response.status == 400
    assert list(response.details) == [field]
    assert response.details[field].startswith("Is missing. Must be ")


@pytest.mark.parametrize("name", ["aspect_ratio", "Prompt", "", "$where", "__proto__", "userId", "é" * 3000, "status"])
def test_an_unknown_field_is_refused(sut, name):
    response = sut.post(REQUEST | {name: "16:9"})
    assert response.status == 400
    takes = "prompt, style, duration, aspectRatio, priority, provider, seed, negativePrompt, sound, resolution"
    assert response.details == {name[:64]: f"Is not a field of this request. Use only: {takes}."}


def test_all_problems_are_reported_at_once_up_to_a_limit(sut):
    response = sut.post({"prompt": " ", "style": 1, "duration": "8"} | {f"x{n}": n for n in range(3000)})
    assert response.status == 400
    assert list(response.details)[:4] == ["prompt", "style", "duration", "aspectRatio"]
    assert len(response.details) == 20


INVALID_BODIES = {
    "no body": None,
    "an empty body": "",
    "white space": "  \n",
    "half a JSON": '{"prompt": "A paper b',
    "a bare word": "prompt",
    "a comma too many": '{"prompt": "x",}',
    "single quotes": "{'prompt': 'x'}",
    "a comment": '{} // {"prompt": "x"}',
    "two documents": "{}{}",
    "a byte order mark": "\ufeff",
    "two byte order marks": "\ufeff\ufeff" + json.dumps(REQUEST),
    "a byte order mark at the end": json.dumps(REQUEST) + "\ufeff",
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


@pytest.mark.parametrize("body", INVALID_BODIES.values(), ids=INVALID_BODIES)
def test_an_invalid_body_is_refused_with_details(sut, body):
    response = sut.post(body, headers={"Content-Type": "application/json"})
    assert (response.status, response.code) == (400, "VALIDATION_ERROR")
    assert response.details
    assert all(message.endswith(".") for message in response.details.values())
    assert sut.jobs.all() == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"prompt": "\xff"}', "Is not valid UTF-8. Send the body in UTF-8."),
        (b'{"prompt": "\xed\xa0\x80"}', "Is not valid UTF-8. Send the body in UTF-8."),
        (b'{"prompt": "\xc0\xaf"}', "Is not valid UTF-8. Send the body in UTF-8."),
        (b'{"prompt": "\xf0\x9f\x9b"}', "Is not valid UTF-8. Send the body in UTF-8."),
        (json.dumps(REQUEST).encode()[:-2] + b"\xe9", "Is not valid UTF-8. Send the body in UTF-8."),
        ("{}".encode("utf-16"), "Is not valid UTF-8. Send the body in UTF-8."),
        (b"\x00\x01\x02", "Is not valid JSON: Expecting value (line 1, column 1)."),
    ],
)
def test_bytes_that_are_not_text_are_refused(sut, raw, message):
    response = sut.post(base64.b64encode(raw).decode(), isBase64Encoded=True)
    assert (response.status, response.details) == (400, {"body": message})


@pytest.mark.parametrize("is_base64", [True, False])
def test_a_byte_order_mark_before_the_body_is_dropped(sut, is_base64):
    text = "\ufeff" + json.dumps(REQUEST)
    body = base64.b64encode(text.encode()).decode() if is_base64 else text
    assert sut.post(body, isBase64Encoded=is_base64).status == 201


def test_a_replacement_character_that_the_client_sent_is_kept(sut):
    raw = json.dumps(REQUEST | {"prompt": "a\ufffdb"}, ensure_ascii=False).encode()
    assert sut.post(base64.b64encode(raw).decode(), isBase64Encoded=True).status == 201
    assert sut.post(REQUEST | {"prompt": "a\ufffdb"}).status == 201  # as an escape
    assert [job.prompt for job in sut.jobs.all()] == ["a\ufffdb"] * 2


def test_a_replacement_character_that_a_gateway_may_have_put_in_is_refused(sut):
    decoded = b'{"prompt": "\xff"}'.decode(errors="replace")
    response = sut.post(decoded)
    assert (response.status, list(response.details)) == (400, ["body"])
    assert sut.jobs.all() == []


@pytest.mark.parametrize("body", ["not base64!", "e30", "e30=x", "é", "\ud800"])
def test_an_invalid_base64_body_is_refused(sut, body):
    assert sut.post(body, isBase64Encoded=True).status == 400


def test_a_base64_body_is_decoded(sut):
    raw = json.dumps(REQUEST | {"prompt": "Grüße 🛶"}, ensure_ascii=False).encode()
    assert sut.post(base64.b64encode(raw).decode(), isBase64Encoded=True).status == 201
    (job,) = sut.jobs.all()
    assert job.prompt == "Grüße 🛶"


def padded_request(size_bytes: int, filler: str = " ") -> str:
    text = json.dumps(REQUEST)
    return text + filler * ((size_bytes - len(text)) // len(filler.encode()))


def test_a_body_of_64_kib_is_accepted(sut):
    assert sut.post(padded_request(64 * 1024)).status == 201
    assert sut.post(base64.b64encode(padded_request(64 * 1024).encode()).decode(), isBase64Encoded=True).status == 201


@pytest.mark.parametrize(
    ("body", "is_base64"),
    [
        (padded_request(64 * 1024 + 1), False),
        (padded_request(6_000_000), False),
        ('{"prompt": "' + "é" * 32_800 + '"}', False),
        (base64.b64encode(padded_request(64 * 1024 + 1).encode()).decode(), True),
        (base64.b64encode(b"[" * 6_000_000).decode(), True),
        ("!" * 6_000_000, True),
    ],
    ids=["one byte over", "6 MB", "few characters, many bytes", "base64", "6 MB in base64", "invalid base64"],
)
def test_a_body_over_64_kib_is_too_large(sut, body, is_base64):
    response = sut.post(body, isBase64Encoded=is_base64)
    assert (response.status, response.code) == (413, "TOO_LARGE")
    assert "64 KiB" in response.json["error"]["message"]


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
        "\u2000application/json",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        'application/json; charset="windows-1252"',
        "application/json;a=b; Charset = us-ascii",
        "application/json; charset=utf-8; charset=latin1",
        "application/json; charset=",
        None,
    ],
)
def test_a_body_that_is_not_declared_as_json_is_refused(sut, content_type):
    response = sut.post(REQUEST, headers={"Content-Type": content_type})
    assert (response.status, response.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON ;charset=UTF-8",
        'application/json;\tCharset = "Utf-8"',
        "application/json; charset=utf8",
        "application/json; version=2; odata=verbose",
        "application/json;",
    ],
)
def test_other_parameters_and_the_case_of_the_json_media_type_are_ignored(sut, content_type):
    assert sut.post(REQUEST, headers={"Content-Type": content_type}).status == 201


def test_an_unavailable_database_returns_503_with_retry_after(sut):
    sut.jobs.available = False
    response = sut.post(REQUEST)
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    assert sut.queue.sent == []


def test_an_unavailable_queue_delays_a_job_and_refuses_none(sut):
    sut.queue.available = False
    response = sut.post(REQUEST)
    assert response.status == 201
    (job,) = sut.jobs.all()
    assert job.next is not None


def test_an_internal_error_returns_500_and_reveals_nothing(sut, monkeypatch):
    monkeypatch.setattr(sut.jobs, "add", lambda _: {}["mongodb://user:hunter2@host"])
    response = sut.post(REQUEST)
    assert (response.status, response.code) == (500, "INTERNAL_ERROR")
    assert "hunter2" not in response.text
    (line,) = [json.loads(line) for line in sut.log.getvalue().splitlines() if "request_answered" in line]
    assert (line["level"], line["status"]) == ("ERROR", 500)
    assert "KeyError" in line["exception"]


def test_repeating_key_and_request_returns_the_same_response_without_a_second_job(sut):
    key = {"Idempotency-Key": "first-video"}
    first, repeated = (sut.post(REQUEST, headers=key) for _ in range(2))
    (job,) = sut.jobs.all()
    sut.jobs.put(job.moved(JobStatus.PROCESSING, job.updated_at, "started"))
    late = sut.post(REQUEST | {"duration": 8.0}, headers=key)
    assert first.status == repeated.status == late.status == 201
    assert first.text == repeated.text == late.text
    assert first.headers["location"] == late.headers["location"]
    assert ["idempotent-replayed" in response.headers for response in (first, repeated, late)] == [False, True, True]


def test_the_same_key_for_another_request_is_a_mismatch(sut):
    key = {"Idempotency-Key": "first-video"}
    assert sut.post(REQUEST, headers=key).status == 201
    response = sut.post(REQUEST | {"duration": 9}, headers=key)
    assert (response.status, response.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert len(sut.jobs.all()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\nb", "\0", "\ud800"])
def test_an_invalid_idempotency_key_is_reported(sut, key):
    response = sut.post(REQUEST, headers={"Idempotency-Key": key})
    assert (response.status, list(response.details)) == (400, ["Idempotency-Key"])


def test_an_allowed_provider_is_stored(sut):
    response = sut.post(REQUEST | {"provider": "fal"})
    assert response.status == 201
    assert sut.jobs.get(response.json["data"]["jobId"]).requested_provider == "fal"
    assert sut.jobs.get(sut.post(REQUEST).json["data"]["jobId"]).requested_provider is None


@pytest.mark.parametrize("name", ["simulated", "unknown"])
def test_any_other_provider_is_refused(sut, name):
    response = sut.post(REQUEST | {"provider": name})
    assert (response.status, response.details) == (400, {"provider": "Must be one of: sketch, fal."})


@pytest.mark.parametrize("wrong", [None, "", 1, ["fal"], "Fal", "f" * 41])
def test_an_invalid_provider_name_is_refused(sut, wrong):
    response = sut.post(REQUEST | {"provider": wrong})
    assert (response.status, list(response.details)) == (400, ["provider"])


def test_the_provider_cannot_be_chosen_if_none_is_allowed(sut, monkeypatch):
    monkeypatch.setattr(bootstrap, "allowed_providers", lambda: ())
    response = sut.post(REQUEST | {"provider": "fal"})
    assert response.details == {"provider": "Can't be chosen in this deployment. Omit this field."}


def test_a_refused_provider_of_a_batch_is_reported_with_its_item(sut):
    items = [REQUEST, REQUEST | {"provider": "fal"}, REQUEST | {"provider": "unknown"}]
    response = sut.post_batch({"items": items})
    assert response.details == {"items[2].provider": "Must be one of: sketch, fal."}


def test_the_provider_is_part_of_the_request_that_a_key_identifies(sut):
    headers = {"Idempotency-Key": "one"}
    assert sut.post(REQUEST, headers=headers).status == 201
    assert sut.post(REQUEST | {"provider": "fal"}, headers=headers).code == "IDEMPOTENCY_MISMATCH"
