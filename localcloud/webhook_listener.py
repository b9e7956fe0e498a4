"""Receiver of webhooks on this machine, which verifies and prints each one."""

import re
import signal
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.local_secrets import read_webhook_secret
from localcloud.progress import console
from localcloud.system import bring_up
from localcloud.terminal import printable

MAXIMUM_BODY_BYTES = 1_000_000
_LENGTH = re.compile(r"[0-9]{1,15}")


def listen(config: CloudConfig, port: int) -> None:
    """Start the system with this receiver as its webhook URL, and print webhooks until interrupted.

    A deployment while the receiver runs, such as by `make demo`, keeps the URL. The next one after it ends removes it.
    The handler of SIGTERM is replaced. The system keeps running.

    Raises:
        LocalCloudError: If the port is in use or the system does not start.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond during the start.
        KeyboardInterrupt: If Ctrl-C ends it.
        SystemExit: 143 if SIGTERM ends it.
    """
    try:
        server = make_server((config.host, port), read_webhook_secret(config), _print)
    except OSError:
        raise LocalCloudError(f"Port {port} is in use. Choose another:  make webhook-listen PORT=…") from None
    url = f"http://{config.host}:{port}/"
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    config.listener_file.parent.mkdir(parents=True, exist_ok=True)
    config.listener_file.write_text(url)
    try:
        with server:
            bring_up(config)
            console.print(
                f"\nWebhooks are sent to [bold]{url}[/bold]. To cause some, run in another terminal:  make demo"
            )
            console.print("Stop with Ctrl-C.\n")
            server.serve_forever()
    finally:
        config.listener_file.unlink(missing_ok=True)


def make_server(address: tuple[str, int], secret: str, show: Callable[[str], None]) -> ThreadingHTTPServer:
    """Return a server that calls `show` with a line for each webhook; the caller runs and closes it.

    It responds with 204 if the webhook is authentic and recent, else with 401. `secret` is the key of webhooks,
    `whsec_…`.

    Raises:
        OSError: If the address is in use.
    """
    webhook = Webhook(secret)

    class Handler(BaseHTTPRequestHandler):
        """Handler of one webhook."""

        def do_POST(self) -> None:
            """Verify the webhook, show it and respond."""
            length = self.headers.get("Content-Length", "")
            if not _LENGTH.fullmatch(length) or int(length) > MAXIMUM_BODY_BYTES:
                show("✗ rejected: the length of the body is unknown or exceeds the limit")
                self._answer(413)
                return
            body = self.rfile.read(int(length))
            try:
                line = describe(self.headers["webhook-id"], webhook.verify(body, dict(self.headers.items())))
            except (WebhookVerificationError, ValueError, LookupError, TypeError) as error:
                show(f"✗ rejected: {error}")
                self._answer(401)
            else:
                show(line)
                self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the base class
            """Log nothing; only webhooks are printed."""

    return ThreadingHTTPServer(address, Handler)


def describe(event_id: str, event: Mapping[str, Any]) -> str:
    """Return a line with time, type, job, status and ID of a verified webhook.

    Raises:
        KeyError: If the event lacks one of these fields.
    """
    data = event["data"]
    progress = f"{data['progress']:.0%}" if data["progress"] is not None else ""
    change = f"job {data['jobId']}  version {data['version']}  {data['status']} {progress}"
    return f"✓ {event['timestamp']}  {event['type']}  {change.rstrip()}  id {event_id}"


def _print(line: str) -> None:
    console.print(printable(line), markup=False, style="green" if line.startswith("✓") else "red")
