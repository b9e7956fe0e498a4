"""Entity tags: one per representation, and compared according to RFC 9110."""

import pytest

from videojobs.api.etag import make_etag, matches_etag
from videojobs.api.http import HttpRequest

SHOWN = {"data": {"status": "queued", "progress": None}}
TAG = make_etag(SHOWN)
OPAQUE = TAG.removeprefix("W/")


def request_with(*lines):
    return HttpRequest.from_event({"httpMethod": "GET", "multiValueHeaders": {"If-None-Match": list(lines)}})


def test_an_etag_is_weak_and_short():
    assert TAG.startswith('W/"')
    assert len(TAG) == 36


def test_the_order_of_fields_does_not_change_the_etag():
    assert make_etag({"data": {"progress": None, "status": "queued"}}) == TAG


@pytest.mark.parametrize("other", [{}, {"data": {"status": "queued", "progress": 0.0}}, {"data": {"status": "failed"}}])
def test_different_content_has_a_different_etag(other):
    assert make_etag(other) != TAG


def test_content_with_a_lone_surrogate_has_an_etag():
    assert make_etag("\ud800") != make_etag("\ud801")


@pytest.mark.parametrize(
    "line",
    [TAG, OPAQUE, f'"x", {TAG}', f"{TAG},{TAG}", f'W/"x" , {OPAQUE}, "y"', "*", " * ", f"  {TAG}  ", f'"a,b",{TAG}'],
)
def test_if_none_match_matches_the_same_etag_or_an_asterisk(line):
    assert matches_etag(request_with(line), TAG)


def test_an_etag_in_a_second_header_line_matches():
    assert matches_etag(request_with('"x"', TAG), TAG)


@pytest.mark.parametrize(
    "line", ["", '""', '"x"', TAG[2:-1], OPAQUE.strip('"'), TAG.upper(), '"*"', "W/*", "x*", "\ud800"]
)
def test_if_none_match_does_not_match_another_value(line):
    assert not matches_etag(request_with(line), TAG)


def test_a_request_without_if_none_match_does_not_match():
    assert not matches_etag(HttpRequest.from_event({"httpMethod": "GET"}), TAG)
