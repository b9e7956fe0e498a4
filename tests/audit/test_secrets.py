"""Scan of all files by detect-secrets. Each false positive is listed here with a reason."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest
from detect_secrets import SecretsCollection
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.settings import default_settings, get_plugins

_ROOT = Path(__file__).parents[2]
_NOT_READ = ("*.jpg", "*.webp", "*package-lock.json", "*requirements*.txt")  # pictures; digests of packages
_SCANNED_AS_WRITTEN = {".py", ".md", ".js", ".ts", ".json", ".css", ".html"}
"""Suffixes of files whose lines detect-secrets scans unchanged. It rewrites the lines of YAML and INI files."""


class Excuse(NamedTuple):
    """Files, detector and values of a false positive, and the reason why they are not secrets."""

    files: str
    detector: str
    value: str
    reason: str


class Finding(NamedTuple):
    """A value that detect-secrets reports in a file."""

    file: str
    detector: str
    value: str


EXCUSES = (
    Excuse("*", "Hex High Entropy String", "[0-9a-fA-F]{24}", "ids of jobs and users in examples"),
    Excuse("bench/services.py", "Hex High Entropy String", "0123456789abcdef.*|abcdef1234", "an id and a digest"),
    Excuse("docs/guides/webhooks.md", "Hex High Entropy String", "c1380d7483b3a2bd", "the id of an endpoint"),
    Excuse("tests/*", "Secret Keyword", ".*", "tests call what they made up a secret"),
    Excuse("tests/*", "AWS Access Key", "AKIAIOSFODNN7EXAMPLE", "the key of AWS's own examples"),
    Excuse("tests/*", "Base64 High Entropy String", "(whsec|msg)_.*", "the examples of Standard Webhooks"),
    Excuse("tests/*", "Basic Auth Credentials", "hunter2|(pass)?word", "passwords that must not show, or not be taken"),
    Excuse(
        "tests/*",
        "Hex High Entropy String",
        "4bf92f3577b34da6.*|5759e988bd862e3f.*",
        "the traces of W3C's and AWS's examples",
    ),
    Excuse("docs/guides/*", "Basic Auth Credentials", "PASSWORD", "where the reader's goes"),
    Excuse("bench/express.py", "Secret Keyword", "the secret of a server .*", "a server that lives for a minute"),
    Excuse("layers/*", "Secret Keyword", "key|webhookSecret|serviceAccount.*|whsec_…", "names of a setting's members"),
    Excuse("ops/preflight/aws.py", "Secret Keyword", "secrets, and .*", "the purpose of an action of IAM"),
    Excuse("localcloud/*", "Secret Keyword", "test", "the root of the local AWS"),
    Excuse("localcloud/*", "Secret Keyword", "videojobs/local/.*", "names of local secrets"),
    Excuse("template.yaml", "Secret Keyword", "GetSecretValue.*", "an action of IAM"),
    Excuse("template.yaml", "Secret Keyword", "false", "a switch: AcceptShortJwtSecret"),
    Excuse("template.yaml", "Secret Keyword", "64, ExcludePunctuation.*", "the length of a generated secret"),
    Excuse("infrastructure/*", "Secret Keyword", "GetRandomPassword|GetSecretValue.*", "an action of IAM"),
    Excuse("infrastructure/*", "Secret Keyword", "videojobs[-/].*", "the name of a secret"),
)


def _scan(folder: Path, files: Iterable[str]) -> SecretsCollection:
    """Scan the files with all detectors.

    detect-secrets calls each detector for each line. A detector that is a list of regular expressions, none of which
    matches anywhere in the file, is left out for this file.
    """
    found = SecretsCollection(str(folder))
    with default_settings() as settings:
        every = {type(plugin).__name__: plugin for plugin in get_plugins()}
        expressions = {
            name: [re.compile(expression.pattern, expression.flags | re.MULTILINE) for expression in plugin.denylist]
            for name, plugin in every.items()
            if isinstance(plugin, RegexBasedDetector)
        }
        options = [{"name": name, **settings.plugins[name]} for name in every]
        for file in files:
            settings.configure_plugins(options)
            if Path(file).suffix in _SCANNED_AS_WRITTEN:
                text = (folder / file).read_text(encoding="utf-8")
                settings.disable_plugins(
                    *(name for name, listed in expressions.items() if not any(it.search(text) for it in listed))
                )
            found.scan_file(file)
    return found


def _findings() -> Iterator[Finding]:
    listed = subprocess.run(["git", "ls-files"], cwd=_ROOT, capture_output=True, text=True, check=True)
    for file, secret in _scan(
        _ROOT,
        [
            file
            for file in listed.stdout.splitlines()
            if not any(fnmatch(file, pattern) for pattern in _NOT_READ) and file != "tests/audit/test_secrets.py"
        ],
    ):
        yield Finding(file, secret.type, secret.secret_value or "")


def _excuses(finding: Finding) -> list[Excuse]:
    return [
        excuse
        for excuse in EXCUSES
        if fnmatch(finding.file, excuse.files)
        and excuse.detector == finding.detector
        and re.fullmatch(excuse.value, finding.value)
    ]


def test_every_finding_is_excused_and_every_excuse_is_needed() -> None:
    findings = list(_findings())
    assert [(found.file, found.detector) for found in findings if not _excuses(found)] == []
    used = {excuse for found in findings for excuse in _excuses(found)}
    assert [excuse.reason for excuse in EXCUSES if excuse not in used] == []


@pytest.mark.parametrize(
    ("detector", "line"),
    [  # in pieces, so that this file holds none
        ("Secret Keyword", f'API_KEY = "{"Zk8q" * 2}w2LmB5tYxN0cRvHj"'),
        ("AWS Access Key", "AK" + "IAZ7Q2WX4RTY6PLM3K"),
        ("Private Key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("Artifactory Credentials", "AKC" + "p8jK2mN4qR6tV1xZ3"),
    ],
)
def test_secret_in_a_file_is_detected(tmp_path: Path, detector: str, line: str) -> None:
    leak = tmp_path / "settings.py"
    leak.write_text(f"import os\n\n{line}\nDEBUG = False\n")
    assert detector in {secret.type for _, secret in _scan(tmp_path, [leak.name])}
