"""Query parameters: accepted values, the messages of refusals, and cursors."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojobs.api.http import HttpRequest
from videojobs.api.query import (
    JobQuery,
    encode_cursor,
    link_next,
    parse_content_query,
    parse_list_query,
)
from videojobs.domain.errors import ValidationFailed
from videojobs.domain.job import JobId, JobStatus
from videojobs.ports.jobs import Position

JOB_ID = JobId("665f1f77bcf86cd799439011")
POSITION = Position(datetime(2026, 1, 8, 10, 0, 0, 123_000, tzinfo=UTC), JOB_ID)
CURSOR = encode_cursor(POSITION)


def request(**query):
    return HttpRequest.from_event({"httpMethod": "GET", "queryStringParameters": query})


def request_of(query):
    return HttpRequest.from_event({"httpMethod": "GET", "multiValueQueryStringParameters": query})


def refusal(sent_request, parse=parse_list_query):
    with pytest.raises(ValidationFailed) as caught:
        parse(sent_request)
    return {detail.field: detail.message for detail in caught.value.details}


def test_the_newest_twenty_jobs_are_listed_by_default():
    assert parse_list_query(request()) == JobQuery(limit=20, after=None, status=None, batch_id=None)


def test_every_parameter_is_read():
    sent_request = request(limit="100", status="failed", cursor=CURSOR, batchId=JOB_ID.upper())
    assert parse_list_query(sent_request) == JobQuery(100, POSITION, JobStatus.FAILED, JOB_ID)


@pytest.mark.parametrize("limit", ["1", "20", "99", "100", "020"])
def test_a_limit_from_1_to_100_is_accepted(limit):
    assert parse_list_query(request(limit=limit)).limit == int(limit)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ["0", "101", "-1", "1.0", "1e1", "", " 1", "ten", "١٠", "²", "9" * 5000, "+5"]),
        *(("status", value) for value in ["", "QUEUED", "queued,failed", "done", "\ud800"]),
        *(("batchId", value) for value in ["", "x", JOB_ID[:-1], f"{JOB_ID}0", f"{JOB_ID}\n"]),
        *(("cursor", value) for value in ["", "x", CURSOR[:-1], f"{CURSOR}A", f"{CURSOR}=", "é" * 27, "\ud800" * 27]),
        *(("cursor", value) for value in [CURSOR.replace("A", "+", 1), "A" * 26 + "B", "_" * 27, "~" * 27]),
    ],
)
def test_an_invalid_value_is_reported_with_its_parameter(name, value):
    (detail,) = refusal(request(**{name: value})).items()
    assert detail[0] == name
    assert detail[1].startswith("Must be ")


def test_all_invalid_parameters_are_reported_at_once():
    assert list(refusal(request(limit="0", status="x", cursor="x", batchId="x"))) == [
        "limit",
        "status",
        "cursor",
        "batchId",
    ]


@pytest.mark.parametrize("name", ["Limit", "page", "", "$where", "status[$ne]", "batch_id", "userId"])
def test_an_unknown_parameter_is_refused(name):
    rule = "Is not a parameter of this request. Use only: status, limit, cursor, batchId."
    assert refusal(request(**{name: "1"})) == {name: rule}


@pytest.mark.parametrize("name", ["limit", "status", "cursor", "batchId"])
def test_a_repeated_parameter_is_refused(name):
    assert refusal(request_of({name: ["1", "1"]})) == {name: "Appears more than once. Send it once."}


def test_the_number_of_reported_parameters_is_limited():
    assert len(refusal(request(**{f"x{n}": "" for n in range(1000)}))) == 20


def test_a_parameter_name_with_surrogates_can_be_reported():
    assert list(refusal(request(**{"\ud800" * 100: ""}))) == ["?" * 64]


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001 - made aware below
    st.from_regex("[0-9a-f]{24}", fullmatch=True),
)
def test_a_cursor_decodes_to_the_position_it_was_made_from(at, job_id):
    created_at = at.replace(tzinfo=UTC, microsecond=at.microsecond // 1000 * 1000)
    position = Position(created_at, JobId(job_id))
    cursor = encode_cursor(position)
    assert parse_list_query(request(cursor=cursor)).after == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=40) | st.from_regex("[0-9A-Za-z_-]{27}", fullmatch=True))
def test_any_text_as_a_cursor_is_a_position_or_refused(text):
    try:
        after = parse_list_query(request(cursor=text)).after
    except ValidationFailed:
        assert list(refusal(request(cursor=text))) == ["cursor"]
    else:
        assert after is not None
        assert encode_cursor(after) == text


def test_the_next_link_repeats_the_parameters_with_the_new_cursor():
    query = JobQuery(
        limit=5, status=JobStatus.QUEUED, batch_id=JOB_ID, after=Position(POSITION.created_at + timedelta(1), JOB_ID)
    )
    link = link_next(query, CURSOR)
    assert link == f'<?status=queued&batchId={JOB_ID}&limit=5&cursor={CURSOR}>; rel="next"'
    assert link_next(JobQuery(20), CURSOR) == f'<?limit=20&cursor={CURSOR}>; rel="next"'


@pytest.mark.parametrize("value", ["", "1", "true", "TRUE"])
def test_the_download_parameter_requests_a_download(value):
    assert parse_content_query(request(download=value))


def test_the_video_is_played_without_the_download_parameter():
    assert not parse_content_query(request())


@pytest.mark.parametrize("value", ["0", "false", "no", " ", "name.mp4"])
def test_the_download_parameter_takes_no_value(value):
    assert refusal(request(download=value), parse_content_query) == {
        "download": "Takes no value. Use ?download without a value."
    }


def test_a_misspelt_download_parameter_is_refused():
    assert list(refusal(request(Download=""), parse_content_query)) == ["Download"]


@pytest.mark.parametrize(
    "event",
    [
        {"queryStringParameters": {"limit": "7"}},
        {"multiValueQueryStringParameters": {"limit": ["7"]}},
        {"queryStringParameters": {"limit": "8"}, "multiValueQueryStringParameters": {"limit": ["7"]}},
        {"queryStringParameters": {"limit": "7"}, "multiValueQueryStringParameters": None},
    ],
)
def test_the_query_is_found_in_both_event_formats(event):
    assert parse_list_query(HttpRequest.from_event(event)).limit == 7


@pytest.mark.parametrize("member", ["queryStringParameters", "multiValueQueryStringParameters"])
@pytest.mark.parametrize("nothing", [None, {}, [], 7, "limit=7", {"limit": None}, {"limit": [None, 7]}, {"limit": {}}])
def test_an_invalid_query_member_counts_as_no_query(member, nothing):
    assert parse_list_query(HttpRequest.from_event({member: nothing})) == JobQuery(20)
