"""Verification of provider callbacks: signatures of real keys, and the age of the callback."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from standardwebhooks import Webhook

from tests.providers.counterparts.server import Exchange, LocalServer, Reply
from videojobs.domain.errors import CallbackRefused, Unavailable
from videojobs.ports.callbacks import CALLBACK_PROVIDERS, CallbackVerifier
from videojobs_providers.callbacks import make_verifier
from videojobs_providers.callbacks.fal import KEYS_LIFETIME, PAUSE, FalVerifier
from videojobs_providers.rest.failures import not_set_up

NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)
SECRET, NEW_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ANOTHER_SECRET = "whsec_0000000000000000000000000000000A"
SECOND = timedelta(seconds=1)
ALMOST, TOO_MUCH = timedelta(minutes=5), timedelta(minutes=5) + SECOND


@dataclass
class Keys:
    """The webhook secret of a provider: the cached value, and the current value that a refresh reads."""

    cached: Any
    current: Any = None
    refreshed: int = 0

    def __call__(self, *, refresh: bool = False) -> Mapping[str, Any]:
        self.refreshed += refresh
        if refresh and self.current is not None:
            self.cached = self.current
        return {"key": "a-key", "webhookSecret": self.cached}


class KeyServer(LocalServer):
    """A server that publishes fal's public keys."""

    def __init__(self) -> None:
        """Start without any keys."""
        self.keys: list[Any] = []
        self.requests = 0
        self.reply: Reply | None = None
        super().__init__()

    def answer(self, exchange: Exchange) -> None:
        """Send the published keys, or the reply that a test has set."""
        assert exchange.path == "/.well-known/jwks.json"
        self.requests += 1
        exchange.send(self.reply or Reply(200, {"keys": self.keys}))

    def publish(self, *keys: Ed25519PrivateKey) -> None:
        """Publish these keys only."""
        self.keys = [OKPAlgorithm.to_jwk(key.public_key(), as_dict=True) for key in keys]


@dataclass
class Signed:
    """A signed callback: body and headers."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def verify(self, verifier: CallbackVerifier, now: datetime = NOW) -> str | None:
        return verifier.verify(self.headers, self.body, now)


def sign_standard(body: bytes, secret: str = SECRET, at: datetime = NOW) -> Signed:
    """Return a callback signed according to Standard Webhooks."""
    signature = Webhook(secret).sign("msg-1", at, body.decode())
    seconds = str(int(at.timestamp()))
    return Signed(body, {"webhook-id": "msg-1", "webhook-timestamp": seconds, "webhook-signature": signature})


def sign_for_fal(body: bytes, key: Ed25519PrivateKey, at: datetime = NOW) -> Signed:
    """Return a callback signed as fal does."""
    parts = {"request-id": "try-2", "user-id": "somebody", "timestamp": str(int(at.timestamp()))}
    message = "\n".join((*parts.values(), sha256(body).hexdigest())).encode()
    headers = {f"x-fal-webhook-{name}": value for name, value in parts.items()}
    return Signed(body, {**headers, "x-fal-webhook-signature": key.sign(message).hex()})


@pytest.fixture
def published() -> Iterator[KeyServer]:
    """Yield the server that publishes fal's keys."""
    created = KeyServer()
    yield created
    created.close()


@pytest.fixture
def key(published: KeyServer) -> Ed25519PrivateKey:
    """Return a new key of fal that is published."""
    created = Ed25519PrivateKey.generate()
    published.publish(Ed25519PrivateKey.generate(), created)
    return created


@pytest.fixture
def fal(published: KeyServer) -> FalVerifier:
    """Return a verifier that reads the keys of the test server."""
    return FalVerifier(published.url)


@pytest.fixture(params=CALLBACK_PROVIDERS)
def signing(
    request: pytest.FixtureRequest, fal: FalVerifier, key: Ed25519PrivateKey
) -> tuple[CallbackVerifier, Callable[..., Signed]]:
    """Return the verifier of each provider, and a function that signs for it."""
    if request.param == "fal":
        return fal, lambda body, at=NOW: sign_for_fal(body, key, at)
    return make_verifier(request.param, Keys(SECRET), {}), lambda body, at=NOW: sign_standard(body, at=at)


type Signing = tuple[CallbackVerifier, Callable[..., Signed]]


@pytest.mark.parametrize("age", [timedelta(0), ALMOST, -ALMOST])
def test_a_callback_is_accepted_within_five_minutes_of_clock_difference(signing: Signing, age: timedelta) -> None:
    verifier, sign = signing
    assert sign(b'{"id": "task-1", "request_id": "task-1"}', NOW - age).verify(verifier) == "task-1"


@pytest.mark.parametrize("age", [TOO_MUCH, -TOO_MUCH, timedelta(days=400)])
def test_a_callback_older_than_five_minutes_is_refused(signing: Signing, age: timedelta) -> None:
    verifier, sign = signing
    with pytest.raises(CallbackRefused):
        sign(b"{}", NOW - age).verify(verifier)


def test_a_repeat_within_five_minutes_is_accepted(signing: Signing) -> None:
    verifier, sign = signing
    signed = sign(b'{"id": "task-1", "request_id": "task-1"}')
    assert signed.verify(verifier) == signed.verify(verifier, NOW + ALMOST) == "task-1"


def test_a_changed_body_is_refused(signing: Signing) -> None:
    verifier, sign = signing
    signed = sign(b'{"id": "task-1"}')
    signed.body = b'{"id": "task-2"}'
    with pytest.raises(CallbackRefused):
        signed.verify(verifier)


def test_an_unsigned_callback_is_refused(signing: Signing) -> None:
    verifier, _ = signing
    with pytest.raises(CallbackRefused):
        Signed(b"{}").verify(verifier)


@pytest.mark.parametrize(
    "value", ["", "x", "\xff", "0", "1e9", "-1", "99999999999999999999", "v1,", "v1,AAAA", "\ud800"]
)
def test_an_invalid_header_value_is_refused(signing: Signing, value: str) -> None:
    verifier, sign = signing
    for name in sign(b"{}").headers:
        signed = sign(b"{}")
        signed.headers[name] = value
        with pytest.raises(CallbackRefused):
            signed.verify(verifier)


def test_a_missing_header_is_refused(signing: Signing) -> None:
    verifier, sign = signing
    for name in sign(b"{}").headers:
        signed = sign(b"{}")
        del signed.headers[name]
        with pytest.raises(CallbackRefused):
            signed.verify(verifier)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{", b'{"id": 7}', b'{"data": {}}', b'{"request_id": null}', b"[" * 9999]
)
def test_a_callback_without_a_task_id_is_accepted_without_a_task(body: bytes) -> None:
    assert sign_standard(body).verify(make_verifier("replicate", Keys(SECRET), {})) is None


@pytest.mark.parametrize("provider", ["replicate", "openai_compatible"])
def test_a_byte_order_mark_is_signed_with_the_body_and_then_dropped(provider: str) -> None:
    verifier = make_verifier(provider, Keys(SECRET), {})
    signed = sign_standard(b'\xef\xbb\xbf{"id": "task-1"}')
    assert signed.verify(verifier) == "task-1"
    signed.body = signed.body.removeprefix(b"\xef\xbb\xbf")
    with pytest.raises(CallbackRefused):
        signed.verify(verifier)


def test_a_body_that_is_not_text_is_refused() -> None:
    signed = sign_standard(b"{}")
    signed.body = b"\xff"
    with pytest.raises(CallbackRefused):
        signed.verify(make_verifier("replicate", Keys(SECRET), {}))


def test_the_task_id_of_an_openai_callback_is_read_from_the_data_of_the_event() -> None:
    event = {"id": "evt_1", "type": "video.completed", "data": {"id": "video_1"}}
    assert (
        sign_standard(json.dumps(event).encode()).verify(make_verifier("openai_compatible", Keys(SECRET), {}))
        == "video_1"
    )


def test_a_signature_by_an_unknown_secret_is_refused() -> None:
    keys = Keys(SECRET)
    with pytest.raises(CallbackRefused):
        sign_standard(b"{}", ANOTHER_SECRET).verify(make_verifier("replicate", keys, {}))
    assert keys.refreshed == 1


@pytest.mark.parametrize("secret", [SECRET, NEW_SECRET])
def test_both_secrets_are_accepted_during_a_rotation(secret: str) -> None:
    keys = Keys(f"{SECRET} {NEW_SECRET}")
    assert sign_standard(b'{"id": "task-1"}', secret).verify(make_verifier("replicate", keys, {})) == "task-1"
    assert keys.refreshed == 0


def test_one_valid_signature_of_several_is_sufficient() -> None:
    signed = sign_standard(b'{"id": "task-1"}')
    signed.headers["webhook-signature"] = f"v1,AAAA v1a,BBBB {signed.headers['webhook-signature']}"
    assert signed.verify(make_verifier("replicate", Keys(SECRET), {})) == "task-1"


def test_a_replaced_secret_is_read_again() -> None:
    keys = Keys(SECRET, current=NEW_SECRET)
    assert sign_standard(b'{"id": "task-1"}', NEW_SECRET).verify(make_verifier("replicate", keys, {})) == "task-1"


@pytest.mark.parametrize("secret", [None, "", 7, "whsec_", "whsec_é", "whsec_A"])
def test_a_callback_without_a_valid_secret_is_refused_and_logged_as_a_warning(
    secret: object, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CallbackRefused):
        sign_standard(b"{}").verify(make_verifier("replicate", Keys(secret), {}))
    assert {vars(record).get("action") for record in caplog.records} == {"provider_not_set_up"}
    assert {record.levelname for record in caplog.records} == {"WARNING"}


@pytest.mark.parametrize("name", ["webhook-id", "webhook-signature", "webhook-timestamp"])
def test_the_secret_is_not_read_for_an_unsigned_callback(name: str) -> None:
    def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
        raise AssertionError("the secret was read")

    signed = sign_standard(b"{}")
    del signed.headers[name]
    with pytest.raises(CallbackRefused):
        signed.verify(make_verifier("replicate", read_key, {}))


def test_a_callback_of_a_provider_without_credentials_is_refused() -> None:
    def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
        raise not_set_up()

    with pytest.raises(CallbackRefused):
        sign_standard(b"{}").verify(make_verifier("replicate", read_key, {}))


def test_the_task_id_of_a_fal_callback_is_in_the_body_or_the_header(fal: FalVerifier, key: Ed25519PrivateKey) -> None:
    assert sign_for_fal(b'{"request_id": "task-1"}', key).verify(fal) == "task-1"
    assert sign_for_fal(b'\xef\xbb\xbf{"request_id": "task-1"}', key).verify(fal) == "task-1"
    assert sign_for_fal(b"?", key).verify(fal) == sign_for_fal(b"[]", key).verify(fal) == "try-2"


@pytest.mark.parametrize("user_id", ["somebody", "somebody-else", "SOMEBODY", "", 7, ["somebody"]])
def test_only_callbacks_of_the_configured_account_of_fal_are_accepted(
    published: KeyServer, key: Ed25519PrivateKey, user_id: Any
) -> None:
    verifier, signed = FalVerifier(published.url, user_id=user_id), sign_for_fal(b"{}", key)
    if user_id == "somebody":
        assert signed.verify(verifier) == "try-2"
    else:
        with pytest.raises(CallbackRefused):
            signed.verify(verifier)
        assert published.requests == 0


def test_the_account_of_fal_is_an_option_of_the_provider() -> None:
    made = make_verifier("fal", Keys(None), {"webhookUserId": "our-account", "model": "m"})
    with pytest.raises(CallbackRefused):  # without a request for fal's keys
        sign_for_fal(b"{}", Ed25519PrivateKey.generate()).verify(made)


def test_fals_keys_are_read_once_a_day(fal: FalVerifier, key: Ed25519PrivateKey, published: KeyServer) -> None:
    for later in (timedelta(0), SECOND, KEYS_LIFETIME):
        sign_for_fal(b"{}", key, NOW + later).verify(fal, NOW + later)
    assert published.requests == 1
    late = NOW + KEYS_LIFETIME + SECOND
    sign_for_fal(b"{}", key, late).verify(fal, late)
    assert published.requests == 2


def test_a_key_that_fal_no_longer_publishes_is_refused_after_a_day(
    fal: FalVerifier, key: Ed25519PrivateKey, published: KeyServer
) -> None:
    sign_for_fal(b"{}", key).verify(fal)
    published.publish(Ed25519PrivateKey.generate())
    late = NOW + KEYS_LIFETIME + SECOND
    with pytest.raises(CallbackRefused):
        sign_for_fal(b"{}", key, late).verify(fal, late)


def test_a_new_key_of_fal_is_read_at_once(fal: FalVerifier, key: Ed25519PrivateKey, published: KeyServer) -> None:
    sign_for_fal(b"{}", key).verify(fal)
    newer, later = Ed25519PrivateKey.generate(), NOW + PAUSE
    published.publish(newer)
    assert sign_for_fal(b"{}", newer, later).verify(fal, later) == "try-2"


def test_many_invalid_signatures_read_fals_keys_once_a_minute(
    fal: FalVerifier, key: Ed25519PrivateKey, published: KeyServer
) -> None:
    stranger = Ed25519PrivateKey.generate()
    for seconds in range(0, 120, 5):
        with pytest.raises(CallbackRefused):
            sign_for_fal(b"{}", stranger).verify(fal, NOW + timedelta(seconds=seconds))
    assert published.requests == 2
    assert sign_for_fal(b"{}", key).verify(fal) == "try-2"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(404),
        Reply(200, b"<html>"),
        Reply(200, []),
        Reply(200, {"keys": []}),
        Reply(200, {"keys": [7]}),
    ],
)
def test_a_callback_fails_as_unavailable_while_fals_keys_cannot_be_read(
    fal: FalVerifier, key: Ed25519PrivateKey, published: KeyServer, reply: Reply
) -> None:
    published.reply = reply
    for _ in range(3):
        with pytest.raises(Unavailable):
            sign_for_fal(b"{}", key).verify(fal)
    assert published.requests == 1
    published.reply = None
    assert sign_for_fal(b"{}", key).verify(fal, NOW + PAUSE) == "try-2"


def test_cached_keys_are_used_while_fal_is_unavailable(
    fal: FalVerifier, key: Ed25519PrivateKey, published: KeyServer
) -> None:
    sign_for_fal(b"{}", key).verify(fal)
    published.reply = Reply(503)
    with pytest.raises(CallbackRefused):
        sign_for_fal(b"{}", Ed25519PrivateKey.generate()).verify(fal, NOW + PAUSE)
    assert sign_for_fal(b"{}", key).verify(fal, NOW + PAUSE) == "try-2"


def test_keys_of_another_type_are_ignored(fal: FalVerifier, key: Ed25519PrivateKey, published: KeyServer) -> None:
    published.keys.insert(0, {"kty": "oct", "k": "AAAA", "alg": "HS256"})
    assert sign_for_fal(b"{}", key).verify(fal) == "try-2"
