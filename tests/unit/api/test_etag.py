"""Entity tags: one for each thing that is shown, and compared as RFC 9110 says."""

import pytest

from videojobs.api.etag import make_etag, matches_etag
from videojobs.api.http import HttpRequest

SHOWN = {"data": {"status": "queued", "progress": None}}
TAG = make_etag(SHOWN)
OPAQUE = TAG.removeprefix("W/")


def asks(*lines):
    return HttpRequest.from_event({"httpMethod": "GET", "multiValueHeaders": {"If-None-Match": list(lines)}})


def test_a_tag_is_weak_and_short():
    assert TAG.startswith('W/"')
    assert len(TAG) == 36


def test_the_same_has_the_same_tag_whatever_order_its_fields_are_in():
    assert make_etag({"data": {"progress": None, "status": "queued"}}) == TAG


@pytest.mark.parametrize("other", [{}, {"data": {"status": "queued", "progress": 0.0}}, {"data": {"status": "failed"}}])
def test_anything_else_has_another(other):
    assert make_etag(other) != TAG


def test_a_lone_surrogate_has_a_tag_too():
    assert make_etag("\ud800") != make_etag("\ud801")


@pytest.mark.parametrize(
    "line",
    [TAG, OPAQUE, f'"x", {TAG}', f"{TAG},{TAG}", f'W/"x" , {OPAQUE}, "y"', "*", " * ", f"  {TAG}  ", f'"a,b",{TAG}'],
)
def test_a_line_that_names_it_or_any_matches(line):
    assert matches_etag(asks(line), TAG)


def test_it_is_found_in_a_second_line():
    assert matches_etag(asks('"x"', TAG), TAG)


@pytest.mark.parametrize(
    "line", ["", '""', '"x"', TAG[2:-1], OPAQUE.strip('"'), TAG.upper(), '"*"', "W/*", "x*", "\ud800"]
)
def test_any_other_line_does_not(line):
    assert not matches_etag(asks(line), TAG)


def test_without_the_header_nothing_matches():
    assert not matches_etag(HttpRequest.from_event({"httpMethod": "GET"}), TAG)
