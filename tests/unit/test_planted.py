"""The search for planted secrets: it finds a secret in every encoding, so that an empty result is meaningful."""

import base64
import io
import json
import logging
import urllib.parse

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from tests.planted import Found, make_secret, search

SECRET = 'a/secret+that=is "quoted" & long'


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_found_in_base64_at_any_offset(before, after, encode):
    text = encode(f"{before}{SECRET}{after}".encode()).decode()
    assert set(search({"it": SECRET}, [("a token", text)])) == {Found("it", "a token")}


@pytest.mark.parametrize("spell", [str, json.dumps, lambda text: urllib.parse.quote(text, safe="")])
def test_a_secret_is_found_in_plain_text_in_json_and_in_a_url(spell):
    assert set(search({"it": SECRET}, [("here", f"before {spell(SECRET)} after")])) == {Found("it", "here")}


def test_a_secret_is_found_in_a_log_field_and_in_the_message_of_an_exception():
    for plant in ("field", "exception"):
        secret, stream = make_secret(), io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(LambdaPowertoolsFormatter())
        logger = logging.Logger("planted")  # noqa: LOG001 - a logger that other tests do not use
        logger.addHandler(handler)
        if plant == "field":
            logger.info("Job queued", extra={"prompt": secret})
        else:
            logger.error("Failed", exc_info=ValueError(secret))
        assert set(search({"prompt": secret}, [("logs", stream.getvalue())])) == {Found("prompt", "logs")}


def test_a_secret_that_was_not_planted_is_not_found():
    assert search({"it": make_secret()}, [("logs", make_secret()), ("logs", "")]) == {}
