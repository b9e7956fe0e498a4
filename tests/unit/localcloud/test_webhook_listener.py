"""The webhook listener: what it shows, and how the system is configured to send to it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

import pytest

from localcloud.config import CloudConfig
from localcloud.deployment import template_parameters
from localcloud.errors import LocalCloudError
from localcloud.local_secrets import SecretArns, read_webhook_secret
from localcloud.webhook_listener import listen, make_server
from tests.builders import a_job
from tests.receiver import receiving
from videojobs.adapters.clock import SystemClock
from videojobs.adapters.webhook import HttpWebhookSender
from videojobs.api.webhooks import serialize_webhook
from videojobs.ports.changes import WebhookAnswer


@pytest.fixture
def config(tmp_path: Path) -> CloudConfig:
    (tmp_path / "template.yaml").write_text('Parameters: {WebhookUrls: {Type: String, Default: ""}}\n')
    (tmp_path / "samconfig.toml").write_text("[local.deploy.parameters]\n")
    return CloudConfig(root=tmp_path, state=tmp_path / ".local")


@pytest.fixture
def listening(config: CloudConfig) -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of a listener, and the list of lines that it shows."""
    lines: list[str] = []
    with make_server(("127.0.0.1", 0), read_webhook_secret(config), lines.append) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", lines
        server.shutdown()
        thread.join()


def send(url: str, secret: str, **changes: object) -> WebhookAnswer:
    body = serialize_webhook(a_job(**changes))
    return HttpWebhookSender(lambda: secret, local=True).send(url, "event-1", body, SystemClock().now())


@pytest.mark.parametrize(
    ("progress", "expected"), [(None, "version 3  queued  id"), (0.5, "version 3  queued 50%  id")]
)
def test_a_webhook_of_the_system_is_shown(
    listening: tuple[str, list[str]], config: CloudConfig, progress: float | None, expected: str
) -> None:
    url, lines = listening
    assert send(url, read_webhook_secret(config), version=3, progress=progress) == WebhookAnswer(204)
    [line] = lines
    assert line.startswith("✓ 2096-01-08T10:00:00.000Z  job.updated  job ")
    assert f"{expected} event-1" in line


def test_a_webhook_signed_with_another_secret_is_refused(listening: tuple[str, list[str]]) -> None:
    url, lines = listening
    assert send(url, f"whsec_{'A' * 44}").status == 401
    assert [line[0] for line in lines] == ["✗"]


def test_an_old_webhook_is_refused(listening: tuple[str, list[str]], config: CloudConfig) -> None:
    url, lines = listening
    sender = HttpWebhookSender(lambda: read_webhook_secret(config), local=True)
    assert sender.send(url, "event-1", "{}", datetime(2026, 1, 8, tzinfo=UTC)).status == 401
    assert [line[0] for line in lines] == ["✗"]


def test_a_post_that_is_not_a_webhook_is_refused(listening: tuple[str, list[str]]) -> None:
    url, lines = listening
    connection = HTTPConnection(url.split("/")[2])
    connection.request("POST", "/", b"\xff")
    assert connection.getresponse().status == 401
    connection.close()
    assert [line[0] for line in lines] == ["✗"]


def test_a_taken_port_is_reported(config: CloudConfig) -> None:
    with receiving() as receiver, pytest.raises(LocalCloudError, match="is in use"):
        listen(config, int(receiver.url.split(":")[2].split("/")[0]))
    assert not config.listener_file.exists()


def test_webhooks_are_sent_to_the_listener_while_it_runs(config: CloudConfig) -> None:
    arns = SecretArns(mongo="arn:m", jwt="arn:j", webhook="arn:w", provider="arn:p")

    def webhook_urls() -> str:
        return template_parameters(config, "http://127.0.0.1:2/", arns)["WebhookUrls"]

    assert webhook_urls() == ""
    config.listener_file.parent.mkdir(parents=True)
    config.listener_file.write_text("http://127.0.0.1:4580/")
    assert webhook_urls() == "http://127.0.0.1:4580/"
    config.listener_file.unlink()
    assert webhook_urls() == ""


def test_other_receivers_are_read_from_the_environment(tmp_path: Path) -> None:
    config = CloudConfig.from_environment({"WEBHOOK_URLS": "http://127.0.0.1:8000/hooks"}, root=tmp_path)
    assert config.parameters == {"WebhookUrls": "http://127.0.0.1:8000/hooks"}
    assert CloudConfig.from_environment({}, root=tmp_path).parameters == {}


def test_the_webhook_secret_is_created_once_in_the_standard_format(config: CloudConfig) -> None:
    first = read_webhook_secret(config)
    assert first.startswith("whsec_")
    assert len(first) == 50
    assert read_webhook_secret(config) == first
