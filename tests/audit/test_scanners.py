"""Scans of the template, the OpenAPI file and the workflows by checkov and zizmor, and the bills of materials."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.utils import canonicalize_name
from packaging.version import Version

from localcloud.bill_of_materials import write_bills
from tests.servers import missing

_ROOT = Path(__file__).parents[2]
_CHECKOV = _ROOT / ".local" / "audit" / "bin" / "checkov"
_PUBLIC_BUCKET = "public_bucket.yaml"
_WORKFLOWS = sorted((_ROOT / ".github" / "workflows").glob("*.yaml"))


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    quiet = {**os.environ, "LOG_LEVEL": "CRITICAL"}  # checkov logs stack traces for unreachable pages
    return subprocess.run(command, cwd=_ROOT, env=quiet, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def checkov_reports(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return checkov's reports on our files and on a template with a public bucket, from one run."""
    if not _CHECKOV.exists():
        missing("checkov is not installed. Run `make audit`.")
    public = tmp_path_factory.mktemp("checkov") / _PUBLIC_BUCKET
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}}
    public.write_text(yaml.safe_dump({"Resources": {"Bucket": bucket}}))
    files = yaml.safe_load((_ROOT / ".checkov.yaml").read_text())["file"]
    scanned = _run(str(_CHECKOV), "--config-file", ".checkov.yaml", "--output", "json", "--file", *files, str(public))
    assert scanned.returncode == 1, scanned.stderr
    return list(json.loads(scanned.stdout))


def _failed_checks(reports: list[Any]) -> list[tuple[str, str, str]]:
    failed = [check for report in reports for check in report["results"]["failed_checks"]]
    return [(Path(check["file_path"]).name, check["check_id"], check["resource"]) for check in failed]


def test_checkov_reports_no_failed_check(checkov_reports: list[Any]) -> None:
    assert [failed for failed in _failed_checks(checkov_reports) if failed[0] != _PUBLIC_BUCKET] == []
    assert sum(report["summary"]["passed"] for report in checkov_reports) > 100


def test_checkov_finds_a_public_bucket(checkov_reports: list[Any]) -> None:
    assert (_PUBLIC_BUCKET, "CKV_AWS_20", "AWS::S3::Bucket.Bucket") in _failed_checks(checkov_reports)


def test_every_skipped_check_has_a_reason() -> None:
    lines = (_ROOT / ".checkov.yaml").read_text().split("skip-check:\n")[1].splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"  - CKV_\w+ # \S.{15,}", line)] == []


def test_zizmor_reports_no_finding_in_the_workflows() -> None:
    audited = _run(str(Path(sys.executable).with_name("zizmor")), "--offline", "--persona=pedantic", ".github")
    assert audited.returncode == 0, audited.stdout + audited.stderr


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each)] == []


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_a_time_limit(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text())["jobs"]
    assert jobs
    assert [name for name, job in jobs.items() if "timeout-minutes" not in job] == []


def test_every_image_that_a_step_starts_is_pinned_by_digest() -> None:
    # The scanner zizmor checks the images of `container` and `services` only.
    jobs = [job for path in _WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]
    started = [step["run"] for job in jobs for step in job["steps"] if "docker run" in step.get("run", "")]
    images = [value for job in jobs for name, value in job.get("env", {}).items() if name.endswith("_IMAGE")]
    assert started
    assert len(images) == len(started)
    assert [image for image in images if not re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", image)] == []
    assert [script for script in started if not re.search(r'"\$\w+_IMAGE"', script)] == []


def test_bill_of_materials_lists_every_pinned_package() -> None:
    bills = write_bills(_ROOT)
    assert [path.name for path in bills] == ["common.cdx.json", "media.cdx.json", "providers.cdx.json"]
    for path in bills:
        requirements = (_ROOT / "layers" / path.name.split(".")[0] / "requirements.txt").read_text()
        pinned = re.findall(r"^([\w.-]+)==([\w.]+)", requirements, re.MULTILINE)
        listed = [(each["name"], each["version"]) for each in json.loads(path.read_text())["components"]]
        assert _named(listed) == _named(pinned)


def _named(packages: list[tuple[str, str]]) -> set[tuple[str, Version]]:
    return {(canonicalize_name(name), Version(version)) for name, version in packages}
