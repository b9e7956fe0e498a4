"""HTTP delivery of webhooks: signed for Standard Webhooks, sent to a checked address, with a timeout."""

import datetime as dt
import json
import socket
import ssl
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook, WebhookVerificationError

from tests.receiver import Answer, babbling, dripping, hanging_up, receiving, saying, silent
from tests.servers import free_port
from videojobs.adapters.clock import SystemClock
from videojobs.adapters.public_address import AddressRefused, resolve_public
from videojobs.adapters.webhook import HttpWebhookSender
from videojobs.domain.errors import Unavailable
from videojobs.ports.changes import WebhookAnswer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = '{"test": 2432232314}'
RESPONSE_TIMEOUT = 0.3
"""The response timeout, in seconds."""


def a_sender(secret: str = SECRET, *, local: bool = True) -> HttpWebhookSender:
    return HttpWebhookSender(lambda: secret, local=local, answer_seconds=RESPONSE_TIMEOUT)


def post(url: str, *, local: bool = True) -> WebhookAnswer:
    return a_sender(local=local).send(url, "event-1", BODY, SystemClock().now())


# ---------------------------------------------------------------- signatures


def test_the_signature_equals_the_example_of_the_specification() -> None:
    at = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    with receiving() as receiver:
        a_sender().send(receiver.url, "msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, at)
    assert receiver.got[0].headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_verify_the_webhook() -> None:
    with receiving() as receiver:
        assert post(receiver.url) == WebhookAnswer(204)
    [received] = receiver.got
    assert Webhook(SECRET).verify(received.body, received.headers) == json.loads(BODY)
    assert received.headers["webhook-id"] == "event-1"
    assert received.headers["content-type"] == "application/json"


def test_a_changed_body_fails_the_verification() -> None:
    with receiving() as receiver:
        post(receiver.url)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(receiver.got[0].body + " ", receiver.got[0].headers)


def test_both_secrets_verify_during_a_rotation() -> None:
    with receiving() as receiver:
        a_sender(f"{NEXT_SECRET} {SECRET}\n").send(receiver.url, "event-1", BODY, SystemClock().now())
    [received] = receiver.got
    for secret in (SECRET, NEXT_SECRET):
        assert Webhook(secret).verify(received.body, received.headers) == json.loads(BODY)


@pytest.mark.parametrize("value", ["", " ", "whsec_", "whsec_short", SECRET.removeprefix("whsec_"), f"{SECRET} x"])
def test_no_webhook_is_sent_with_an_invalid_secret(value: str) -> None:
    with receiving() as receiver, pytest.raises(Unavailable):
        a_sender(value).send(receiver.url, "event-1", BODY, SystemClock().now())
    assert receiver.got == []


# ---------------------------------------------------------------- responses


@pytest.mark.parametrize("status", [200, 204, 302, 410, 500])
def test_the_status_of_the_response_is_returned(status: int) -> None:
    with receiving(status) as receiver:
        assert post(receiver.url) == WebhookAnswer(status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving(status) as receiver:
        post(receiver.url)
    assert [got.path for got in receiver.got] == ["/hooks"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (silent, "no response before the timeout"),
        (saying(b"HTTP/1.1 503 Busy\r\nx: ", drip=True), "no response before the timeout"),
        (saying(b"HTTP/1.1 102 Processing\r\n\r\n", repeated=True), "BadStatusLine"),
        (saying(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), "BadStatusLine"),
        (saying(b"HTTP/1.1 200"), "BadStatusLine"),
        (saying(b"HTTP/1.1 200" + b" " * 70_000 + b"\r\n"), "BadStatusLine"),
        (saying(b"HTTP/2 200\r\n\r\n"), "BadStatusLine"),
        (saying(b"HTTP/1.1 \xd9\xa2\xd9\xa0\xd9\xa0 OK\r\n\r\n"), "BadStatusLine"),
        (saying(b"HTTP/1.1 99 OK\r\n\r\n"), "BadStatusLine"),
        (saying(b""), "BadStatusLine"),
        (hanging_up, "BadStatusLine"),
        (babbling, "BadStatusLine"),
    ],
)
def test_a_missing_or_invalid_response_returns_a_reason(behaviour: Answer, reason: str) -> None:
    with receiving(behaviour) as receiver:
        assert post(receiver.url) == WebhookAnswer(None, reason)


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
MANY_HEADERS = b"".join(b"X-%d: y\r\n" % number for number in range(2000))


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200),
        (INTERIM * 20 + b"HTTP/1.1 200 OK\r\n\r\n", 200),
        (INTERIM + b"HTTP/1.1 500 Oh\r\n\r\n", 500),
        (b"HTTP/1.1 103 Early Hints\r\n" + MANY_HEADERS + b"\r\nHTTP/1.1 200 OK\r\n\r\n", 200),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 101),
        (b"HTTP/1.1 200 OK\r\n" + MANY_HEADERS + b"\r\n", 200),
        (b"HTTP/1.1 503 Busy\r\n" + MANY_HEADERS + b"\r\n", 503),
        (b"HTTP/1.1 500 Oh\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 500),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n : \r\n\xff\r\n\r\n", 200),
        (b"HTTP/1.1 503 Busy\r\nno colon\r\n : \r\n\xff\r\n\r\n", 503),
        (b"HTTP/1.1 200\r\n\r\n", 200),
        (b"HTTP/1.0 200 OK\n\n", 200),
        (b"HTTP/1.1 404 Not Found\r\nX: ", 404),
    ],
)
def test_the_status_is_that_of_the_final_response_with_any_headers(response: bytes, status: int) -> None:
    with receiving(saying(response)) as receiver:
        assert post(receiver.url) == WebhookAnswer(status)


def test_a_success_is_known_before_its_headers_end() -> None:
    with receiving(dripping) as receiver:
        assert post(receiver.url) == WebhookAnswer(200)


LATER = format_datetime(SystemClock().now() + dt.timedelta(hours=2), usegmt=True)
NONSENSE = ("", "soon", "inf", "nan", "1e400", "\u0663", "1_0", "120, 60", "0x10", "10 s", "+5")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("120", 120), ("0", 0), (LATER, 3600), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)),
        *(("99999999999999", 3600), ("Fri, 31 Dec 9999 23:59:59 GMT", 3600), ("9" * 400, 3600)),
        *((text, None) for text in NONSENSE),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_a_failing_receiver_asks_for_is_returned(value: str, seconds: float | None, status: int) -> None:
    response = f"HTTP/1.1 {status} Busy\r\nRetry-After:  {value} \r\nX: y\r\n\r\n".encode()
    with receiving(saying(response)) as receiver:
        assert post(receiver.url) == WebhookAnswer(status, retry_after_seconds=seconds)


def test_a_refused_connection_returns_a_reason() -> None:
    assert post(f"http://127.0.0.1:{free_port()}/") == WebhookAnswer(None, "ConnectionRefusedError")


def test_path_and_query_are_sent_without_the_fragment() -> None:
    with receiving() as receiver:
        post(receiver.url + "/a%20b?key=v&x#top")
    assert receiver.got[0].path == "/hooks/a%20b?key=v&x"


# ---------------------------------------------------------------- TLS


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return a server's TLS context for hooks.example, whose certificate this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    now = SystemClock().now()
    certificate_object = (
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
    certificate.write_bytes(certificate_object.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Return the addresses of fake hosts: each lookup of a host uses its next list, and the last list is repeated."""
    addresses_of_hosts: dict[str, list[list[str]]] = {}
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if host not in addresses_of_hosts:
            return look_up(host, port, *arguments, **options)
        answers = addresses_of_hosts[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in addresses for entry in look_up(address, port, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return addresses_of_hosts


def use_host_name(url: str) -> str:
    return url.replace("127.0.0.1", "hooks.example")


def test_the_host_header_and_the_certificate_name_are_those_of_the_url(
    certified: ssl.SSLContext, names: dict[str, list[list[str]]]
) -> None:
    names["hooks.example"] = [["127.0.0.1"]]
    with receiving(tls=certified) as receiver:
        assert post(use_host_name(receiver.url)) == WebhookAnswer(204)
    assert receiver.got[0].headers["host"] == use_host_name(receiver.url).split("/")[2]


def test_a_certificate_for_another_name_is_refused(certified: ssl.SSLContext) -> None:
    with receiving(tls=certified) as receiver:
        assert post(receiver.url) == WebhookAnswer(None, "TLS: CERTIFICATE_VERIFY_FAILED")
    assert receiver.got == []


def test_a_certificate_of_an_unknown_authority_is_refused(
    certified: ssl.SSLContext, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    names["hooks.example"] = [["127.0.0.1"]]
    with receiving(tls=certified) as receiver:
        assert post(use_host_name(receiver.url)) == WebhookAnswer(None, "TLS: CERTIFICATE_VERIFY_FAILED")
    assert receiver.got == []


def test_a_server_without_tls_is_refused() -> None:
    with receiving() as receiver:
        response = post(receiver.url.replace("http:", "https:"))
    assert response.status is None
    assert response.reason.startswith("TLS: ")


def test_a_tls_handshake_that_does_not_end_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        response = post(f"https://127.0.0.1:{listening.getsockname()[1]}/")
    assert response == WebhookAnswer(None, "no response before the timeout")


# ---------------------------------------------------------------- addresses


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
        ("https://platform.example\\.public.example/", "the host's name is malformed"),
        ("https://platform%2eexample/", "the host's name is malformed"),
        ("https://plat_form.example/", "the host's name is malformed"),
        ("https://2130706433/", "the host's address is not public"),
        ("https://127.1/", "the host's address is not public"),
        ("https://0x7f.0.0.1/", "the host's address is not public"),
        ("https://[64:ff9b::7f00:1]/", "the host's address is not public"),
        ("https://127.0.0.1/", "the host's address is not public"),
        ("https://169.254.169.254/latest/meta-data", "the host's address is not public"),
        ("https://[::ffff:127.0.0.1]/", "the host's address is not public"),
        (f"https://{'a' * 64}.example/", "the host has no address"),
    ],
)
def test_a_url_that_is_invalid_or_not_public_is_refused_on_aws(url: str, reason: str) -> None:
    assert post(url, local=False) == WebhookAnswer(None, reason)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1", "0.0.0.0", "169.254.169.254"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1"),
        *("fec0::1", "feff::1", "3fff::1", "3fff:fff::1", "192.88.99.1", "192.0.0.9", "192.0.0.170", "192.0.2.1"),
        *("198.18.0.1", "198.51.100.1", "203.0.113.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "239.1.1.1"),
        *("100::1", "100:0:0:1::1", "5f00::1", "4000::1", "2001:20::1", "2001:1ff::1", "2620:4f:8000::1", "::8.8.8.8"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b::c0a8:1", "64:ff9b::e000:1", "64:ff9b::"),
        *("64:ff9b:1:7f00:1::", "64:ff9b:0:0:0:1:808:808", "::ffff:0:8.8.8.8"),
        *("::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1"),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str, names: dict[str, list[list[str]]]) -> None:
    names["inside.example"] = [[address]]
    with pytest.raises(AddressRefused):
        resolve_public("inside.example", 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::5db8:d822", "192.0.1.1"])
def test_a_public_address_is_accepted(address: str, names: dict[str, list[list[str]]]) -> None:
    names["outside.example"] = [[address]]
    assert resolve_public("outside.example", 443) == [address]


def test_a_host_with_one_address_that_is_not_public_is_refused(names: dict[str, list[list[str]]]) -> None:
    names["mixed.example"] = [["8.8.8.8", "10.0.0.1"]]
    with pytest.raises(AddressRefused):
        resolve_public("mixed.example", 443)


def test_the_local_system_can_reach_loopback_addresses_and_no_other_private_ones(
    names: dict[str, list[list[str]]],
) -> None:
    names["inside.example"] = [["10.0.0.1"]]
    assert resolve_public("127.0.0.1", 80, or_loopback=True) == ["127.0.0.1"]
    with pytest.raises(AddressRefused):
        resolve_public("inside.example", 80, or_loopback=True)


def test_a_translated_loopback_address_is_not_local(names: dict[str, list[list[str]]]) -> None:
    names["inside.example"] = [["64:ff9b::7f00:1"]]
    with pytest.raises(AddressRefused):
        resolve_public("inside.example", 80, or_loopback=True)


@pytest.mark.parametrize("host", ["fe80::1%eth0", "a\x00b", "a b", "A.example", "ⓔxample.com", "", "[::1]"])
def test_a_host_name_with_other_characters_is_not_looked_up(host: str) -> None:
    with pytest.raises(AddressRefused, match="malformed"):
        resolve_public(host, 443, or_loopback=True)


def test_each_delivery_connects_to_the_address_that_was_checked(names: dict[str, list[list[str]]]) -> None:
    with receiving() as receiver:
        names["turning.example"] = [["127.0.0.1"], ["10.0.0.1"]]
        assert post(receiver.url.replace("127.0.0.1", "turning.example")) == WebhookAnswer(204)
        assert post(receiver.url.replace("127.0.0.1", "turning.example")).reason == "the host's address is not public"
    assert len(receiver.got) == 1


def test_the_next_address_is_used_if_the_first_refuses_the_connection(names: dict[str, list[list[str]]]) -> None:
    with receiving() as receiver:
        names["two.example"] = [["127.0.0.2", "127.0.0.1"]]
        assert post(receiver.url.replace("127.0.0.1", "two.example")) == WebhookAnswer(204)
