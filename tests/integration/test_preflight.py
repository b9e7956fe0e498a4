import boto3
import pytest

from ops.preflight.findings import run_checks
from ops.preflight.mongodb import list_checks
from ops.preflight.target import Target
from tests.local_system import ROOT
from tests.servers import free_port


def test_preflight_connects_to_a_real_server_and_reads_its_connection_status(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")  # no stack: parameters are samconfig's
    target = Target(ROOT, "dev", session=boto3.Session("AKIAIOSFODNN7EXAMPLE", "of-no-account"))
    findings = dict(run_checks(list_checks(target, lambda: mongo_uri)))
    assert findings["MongoDB hosts"].outcome == "ok"
    assert findings["MongoDB connection"].outcome == "ok"
    assert findings["MongoDB privileges"].text == "MongoDB reports no user, or no privileges of the user"
