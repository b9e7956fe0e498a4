"""Webhooks on the wire: signed as receivers verify, posted to a checked address, and silence is no answer."""

import datetime as dt
import json
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook, WebhookVerificationError

from tests.receiver import Answer, babbling, dripping, hanging_up, receiving, silent
from tests.servers import free_port
from videojobs.adapters.clock import SystemClock
from videojobs.adapters.public_address import AddressRefused, resolve_public
from videojobs.adapters.webhook import HttpWebhookSender
from videojobs.domain.errors import Unavailable
from videojobs.ports.changes import WebhookAnswer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = '{"test": 2432232314}'
SOON = 0.3
"""Seconds; what never answers is waited for as long as that."""


def a_sender(secret: str = SECRET, *, local: bool = True) -> HttpWebhookSender:
    return HttpWebhookSender(lambda: secret, local=local, answer_seconds=SOON)


def post(url: str, *, local: bool = True) -> WebhookAnswer:
    return a_sender(local=local).send(url, "event-1", BODY, SystemClock().now())


# ---------------------------------------------------------------- signing


def test_the_signature_is_that_of_the_specifications_own_example() -> None:
    at = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    with receiving() as receiver:
        a_sender().send(receiver.url, "msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, at)
    assert receiver.got[0].headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_verify_what_it_gets() -> None:
    with receiving() as receiver:
        assert post(receiver.url) == WebhookAnswer(204)
    [got] = receiver.got
    assert Webhook(SECRET).verify(got.body, got.headers) == json.loads(BODY)
    assert got.headers["webhook-id"] == "event-1"
    assert got.headers["content-type"] == "application/json"


def test_a_body_that_was_changed_is_noticed() -> None:
    with receiving() as receiver:
        post(receiver.url)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(receiver.got[0].body + " ", receiver.got[0].headers)


def test_while_a_secret_is_rotated_the_old_and_the_new_one_verify() -> None:
    with receiving() as receiver:
        a_sender(f"{NEXT_SECRET} {SECRET}\n").send(receiver.url, "event-1", BODY, SystemClock().now())
    [got] = receiver.got
    for secret in (SECRET, NEXT_SECRET):
        assert Webhook(secret).verify(got.body, got.headers) == json.loads(BODY)


@pytest.mark.parametrize("value", ["", " ", "whsec_", "whsec_short", SECRET.removeprefix("whsec_"), f"{SECRET} x"])
def test_with_what_is_no_secret_nothing_is_sent(value: str) -> None:
    with receiving() as receiver, pytest.raises(Unavailable):
        a_sender(value).send(receiver.url, "event-1", BODY, SystemClock().now())
    assert receiver.got == []


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("status", [200, 204, 302, 410, 500])
def test_the_status_is_given_back(status: int) -> None:
    with receiving(status) as receiver:
        assert post(receiver.url) == WebhookAnswer(status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving(status) as receiver:
        post(receiver.url)
    assert [got.path for got in receiver.got] == ["/hooks"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (silent, "no response before the timeout"),
        (dripping, "no response before the timeout"),
        (hanging_up, "BadStatusLine"),
        (babbling, "BadStatusLine"),
    ],
)
def test_what_is_no_answer_says_why(answer: Answer, reason: str) -> None:
    with receiving(answer) as receiver:
        assert post(receiver.url) == WebhookAnswer(None, reason)


def test_where_nobody_listens_the_answer_says_so() -> None:
    assert post(f"http://127.0.0.1:{free_port()}/") == WebhookAnswer(None, "ConnectionRefusedError")


def test_path_and_query_go_along_and_the_fragment_stays() -> None:
    with receiving() as receiver:
        post(receiver.url + "/a%20b?key=v&x#top")
    assert receiver.got[0].path == "/hooks/a%20b?key=v&x"


# ---------------------------------------------------------------- TLS


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's TLS for hooks.example, by an authority that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """The name server: each look-up of a host takes the first of its lists of addresses off, but for the last."""
    known: dict[str, list[list[str]]] = {}
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if host not in known:
            return look_up(host, port, *arguments, **options)
        answers = known[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in addresses for entry in look_up(address, port, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def at_the_name(url: str) -> str:
    return url.replace("127.0.0.1", "hooks.example")


def test_over_tls_the_host_is_the_one_of_the_url(certified: ssl.SSLContext, names: dict[str, list[list[str]]]) -> None:
    names["hooks.example"] = [["127.0.0.1"]]
    with receiving(tls=certified) as receiver:
        assert post(at_the_name(receiver.url)) == WebhookAnswer(204)
    assert receiver.got[0].headers["host"] == at_the_name(receiver.url).split("/")[2]


def test_a_certificate_of_another_name_is_refused(certified: ssl.SSLContext) -> None:
    with receiving(tls=certified) as receiver:
        assert post(receiver.url) == WebhookAnswer(None, "TLS: CERTIFICATE_VERIFY_FAILED")
    assert receiver.got == []


def test_a_certificate_of_an_unknown_authority_is_refused(
    certified: ssl.SSLContext, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    names["hooks.example"] = [["127.0.0.1"]]
    with receiving(tls=certified) as receiver:
        assert post(at_the_name(receiver.url)) == WebhookAnswer(None, "TLS: CERTIFICATE_VERIFY_FAILED")
    assert receiver.got == []


def test_what_speaks_no_tls_is_no_receiver() -> None:
    with receiving() as receiver:
        answer = post(receiver.url.replace("http:", "https:"))
    assert answer.status is None
    assert answer.reason.startswith("TLS: ")


def test_a_handshake_that_never_ends_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answer = post(f"https://127.0.0.1:{listening.getsockname()[1]}/")
    assert answer == WebhookAnswer(None, "no response before the timeout")


# ---------------------------------------------------------------- where it may go


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://platform.example/", "the URL is not https"),
        ("ftp://platform.example/", "the URL is not https"),
        ("//platform.example/", "the URL is not https"),
        ("https:///path", "the URL is malformed or contains a user name"),
        ("https://user:word@platform.example/", "the URL is malformed or contains a user name"),
        ("https://platform.example:99999/", "the URL is malformed or contains a user name"),
        ("https://[::1/", "the URL is malformed or contains a user name"),
        ("https://plätform.example/", "the URL is malformed or contains a user name"),
        ("https://127.0.0.1/", "the host's address is not public"),
        ("https://169.254.169.254/latest/meta-data", "the host's address is not public"),
        ("https://[::ffff:127.0.0.1]/", "the host's address is not public"),
        (f"https://{'a' * 64}.example/", "the host has no address"),
    ],
)
def test_on_aws_a_url_that_leads_elsewhere_is_refused(url: str, reason: str) -> None:
    assert post(url, local=False) == WebhookAnswer(None, reason)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1", "0.0.0.0", "169.254.169.254"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1"),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str, names: dict[str, list[list[str]]]) -> None:
    names["inside.example"] = [[address]]
    with pytest.raises(AddressRefused):
        resolve_public("inside.example", 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_a_public_address_is_taken(address: str, names: dict[str, list[list[str]]]) -> None:
    names["outside.example"] = [[address]]
    assert resolve_public("outside.example", 443) == [address]


def test_one_address_that_is_not_public_spoils_all(names: dict[str, list[list[str]]]) -> None:
    names["mixed.example"] = [["8.8.8.8", "10.0.0.1"]]
    with pytest.raises(AddressRefused):
        resolve_public("mixed.example", 443)


def test_the_local_stage_reaches_this_machine_and_no_other_inside(names: dict[str, list[list[str]]]) -> None:
    names["inside.example"] = [["10.0.0.1"]]
    assert resolve_public("127.0.0.1", 80, or_loopback=True) == ["127.0.0.1"]
    with pytest.raises(AddressRefused):
        resolve_public("inside.example", 80, or_loopback=True)


def test_a_name_that_changes_its_address_after_the_check_is_asked_once(names: dict[str, list[list[str]]]) -> None:
    with receiving() as receiver:
        names["turning.example"] = [["127.0.0.1"], ["10.0.0.1"]]
        assert post(receiver.url.replace("127.0.0.1", "turning.example")) == WebhookAnswer(204)
        assert post(receiver.url.replace("127.0.0.1", "turning.example")).reason == "the host's address is not public"
    assert len(receiver.got) == 1


def test_an_address_where_nobody_listens_is_passed_over_for_the_next(names: dict[str, list[list[str]]]) -> None:
    with receiving() as receiver:
        names["two.example"] = [["127.0.0.2", "127.0.0.1"]]
        assert post(receiver.url.replace("127.0.0.1", "two.example")) == WebhookAnswer(204)
