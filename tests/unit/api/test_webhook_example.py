"""The example in docs/guides/webhooks.md has the fields that a webhook has."""

import json
import re

from tests.builders import a_job
from tests.local_system import ROOT
from videojobs.api.webhooks import serialize_webhook

PAGE = (ROOT / "docs" / "guides" / "webhooks.md").read_text()


def test_the_example_has_every_field_of_a_webhook() -> None:
    [text] = re.findall(r"^\{.*?\}\}$", PAGE, re.MULTILINE | re.DOTALL)
    example, webhook = json.loads(text), json.loads(serialize_webhook(a_job()))
    assert list(example) == list(webhook)
    assert list(example["data"]) == list(webhook["data"])
