"""Seed, negative prompt, sound and resolution in requests and responses of the API."""

import hashlib
import json

import pytest

from videojobs import bootstrap
from videojobs.adapters.offers import find_offer
from videojobs.domain.job import JobStatus
from videojobs.domain.request import Resolution
from videojobs.ports.videos import Offers

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
FIELDS = {"seed": 4294967295, "negativePrompt": "rain", "sound": True, "resolution": "1080p"}
SHOWN = ("seed", "negativePrompt", "sound", "resolution", "ignored")


@pytest.fixture
def offer(monkeypatch):
    """Return a function that makes providers with options the order of the deployment."""

    def set_order(*names, **options):
        offered = Offers(names, lambda name: find_offer(name, options))
        monkeypatch.setattr(bootstrap, "offers", lambda: offered)

    return set_order


def shown(sut, job_id):
    data = sut.get(job_id).json["data"]
    return tuple(data[name] for name in SHOWN)


def test_the_fields_are_stored_and_shown(sut):
    job_id = sut.post(REQUEST | FIELDS).json["data"]["jobId"]
    assert shown(sut, job_id) == (4294967295, "rain", True, "1080p", [])


def test_the_defaults_are_shown(sut):
    job_id = sut.post(REQUEST).json["data"]["jobId"]
    assert shown(sut, job_id) == (None, None, False, "720p", [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("seed", 4294967296),
        ("seed", 1.5),
        ("seed", "7"),
        ("seed", True),
        ("seed", None),
        ("negativePrompt", ""),
        ("negativePrompt", "x" * 501),
        ("negativePrompt", 5),
        ("negativePrompt", None),
        ("sound", "yes"),
        ("sound", None),
        ("resolution", "4k"),
        ("resolution", 720),
    ],
)
def test_an_invalid_value_is_refused(sut, field, value):
    response = sut.post(REQUEST | {field: value})
    assert (response.status, list(response.details)) == (400, [field])


def test_a_negative_prompt_of_five_hundred_characters_is_accepted(sut):
    assert sut.post(REQUEST | {"negativePrompt": "🌧" * 500}).status == 201


def test_a_named_provider_must_have_every_capability(sut):
    response = sut.post(REQUEST | FIELDS | {"provider": "sketch"})
    assert response.status == 400
    rule = "Is not available with sketch. Omit it, or omit the provider."
    assert response.details == {"negativePrompt": rule, "sound": rule}
    assert sut.post(REQUEST | {"provider": "sketch", "seed": 7, "resolution": "480p"}).status == 201


def test_an_item_of_a_batch_is_named(sut):
    response = sut.post_batch({"items": [REQUEST, REQUEST | {"provider": "sketch", "sound": True}]})
    assert (response.status, list(response.details)) == (400, ["items[1].sound"])


def test_a_resolution_that_no_provider_makes_is_refused(sut, offer):
    offer("openai_compatible")
    response = sut.post(REQUEST | {"resolution": "1080p"})
    assert response.details == {"resolution": "Must be one of: 720p."}
    assert sut.post(REQUEST | {"seed": 7}).status == 201


def test_a_seed_can_be_written_with_a_fraction_of_zero(sut):
    assert sut.jobs.find(sut.post('{"seed": 7.0, ' + json.dumps(REQUEST)[1:]).json["data"]["jobId"]).seed == 7


def test_a_request_without_the_fields_reads_no_offer(sut, monkeypatch):
    monkeypatch.setattr(bootstrap, "offers", lambda: pytest.fail("read"))
    assert sut.post(REQUEST | {"sound": False, "resolution": "720p"}).status == 201


def test_fingerprints_of_requests_without_the_fields_do_not_change(sut):
    sut.post(REQUEST, headers={"Idempotency-Key": "a"})
    (job,) = sut.jobs.all()
    fields = {"prompt": "A paper boat", "style": "calm", "duration": 8.0, "aspect_ratio": "16:9", "priority": "normal"}
    text = json.dumps([fields], sort_keys=True)
    assert job.idempotency.fingerprint == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("fields", "status"), [({"sound": False, "resolution": "720p"}, 201), ({"seed": 1}, 422), ({"sound": True}, 422)]
)
def test_a_repeat_with_other_values_is_another_request(sut, fields, status):
    headers = {"Idempotency-Key": "a"}
    sut.post(REQUEST, headers=headers)
    assert sut.post(REQUEST | fields, headers=headers).status == status


@pytest.mark.parametrize(("body", "is_kept"), [({}, True), ({"seed": "new"}, False)])
def test_a_retry_keeps_the_seed_unless_a_new_one_is_requested(sut, body, is_kept):
    job = sut.put(status=JobStatus.FAILED, next=None, seed=7, negative_prompt="rain", resolution=Resolution.P480)
    data = sut.call("POST", f"/api/videos/{job.id}/retry", body).json["data"]
    assert (data["seed"] == 7) is is_kept
    assert (data["negativePrompt"], data["resolution"]) == ("rain", "480p")


@pytest.mark.parametrize("body", [{"seed": 7}, {"seed": None}, {"seed": "New"}])
def test_another_seed_in_a_retry_is_refused(sut, body):
    job = sut.put(status=JobStatus.FAILED, next=None, seed=7)
    response = sut.call("POST", f"/api/videos/{job.id}/retry", body)
    assert response.details == {"seed": 'Must be "new". Omit it to keep the seed.'}
    assert sut.jobs.all() == [job]


def test_options_describe_the_fields_and_the_providers(sut):
    response = sut.call("GET", "/api/videos/options")
    data = response.json["data"]
    assert (response.status, response.headers["cache-control"]) == (200, "private, max-age=300")
    assert data["styles"] == ["fun", "calm", "background"]
    assert data["resolutions"] == ["480p", "720p", "1080p"]
    assert data["duration"] == {"minimum": 1, "maximum": 60}
    assert {"resolution": "480p", "aspectRatio": "9:16", "width": 480, "height": 854} in data["sizes"]
    sketch, fal = data["providers"]
    assert sketch == {
        "name": "sketch",
        "selectable": True,
        "resolutions": ["480p", "720p", "1080p"],
        "sound": False,
        "seed": True,
        "negativePrompt": False,
        "prices": [],
    }
    assert (fal["name"], fal["selectable"]) == ("fal", True)


def test_options_are_not_sent_again(sut):
    etag = sut.call("GET", "/api/videos/options").headers["etag"]
    response = sut.call("GET", "/api/videos/options", headers={"If-None-Match": etag})
    assert (response.status, response.headers["etag"]) == (304, etag)


def test_options_contain_the_prices_with_their_date(sut, offer):
    offer("luma")
    [luma, *_] = sut.call("GET", "/api/videos/options").json["data"]["providers"]
    [price] = [price for price in luma["prices"] if price["resolution"] == "720p"]
    assert (price["minimum"], price["maximum"], price["pricesAsOf"]) == (0.06, 0.09, "2026-10-08")
    assert luma["selectable"] is False


def test_an_estimate_contains_the_generations_and_their_price(sut, offer):
    offer("luma")
    sut.timings.record("calm:20", 33)
    response = sut.call("POST", "/api/videos/estimate", REQUEST | {"duration": 12, "seed": 7})
    assert (response.status, response.json["data"]) == (
        200,
        {
            "provider": "luma",
            "generations": 3,
            "lengths": [5, 5, 5],
            "width": 1280,
            "height": 720,
            "price": {"amount": 0.9, "currency": "USD", "pricesAsOf": "2026-10-08"},
            "expectedSeconds": 35,
            "promptShortened": False,
            "ignored": ["seed"],
        },
    )
    assert (sut.jobs.all(), sut.queue.sent) == ([], [])


def test_an_estimate_of_the_sketch_is_one_generation_without_a_price(sut):
    data = sut.call("POST", "/api/videos/estimate", REQUEST | {"resolution": "1080p"}).json["data"]
    assert (data["provider"], data["lengths"], data["price"], data["expectedSeconds"]) == ("sketch", [8], None, None)
    assert (data["width"], data["height"]) == (1920, 1080)


def test_an_estimate_uses_the_first_provider_with_the_resolution(sut, offer):
    offer("openai_compatible", "missing", "sketch")
    body = REQUEST | {"resolution": "480p"}
    assert sut.call("POST", "/api/videos/estimate", body).json["data"]["provider"] == "sketch"


def test_an_estimate_of_a_video_that_no_provider_can_make_is_refused(sut, offer):
    offer("openai_compatible", seconds=[1])
    response = sut.call("POST", "/api/videos/estimate", REQUEST | {"duration": 60})
    assert (response.status, list(response.details)) == (400, ["body"])


def test_an_estimate_of_an_invalid_request_is_refused(sut):
    assert list(sut.call("POST", "/api/videos/estimate", {"prompt": "A boat"}).details) == [
        "style",
        "duration",
        "aspectRatio",
    ]
