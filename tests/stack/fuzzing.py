"""Hooks of schemathesis for the deployed system: the session of each call, and responses of the gateway to ignore.

Loaded by the schemathesis command (`SCHEMATHESIS_HOOKS`); `test_openapi_fuzz.py` and `make fuzz` run it.
"""

import atexit
import json
import os
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from standardwebhooks import Webhook

from localcloud.config import CloudConfig
from localcloud.deployment import describe_stack
from localcloud.stack import Stack
from tests.conftest import AI_WEBHOOK_SECRET
from tests.stack.client import User
from tools.apidocs.schemas import UNLISTED

CACHE_SECONDS = 1000
"""Maximum number of owners to remember. A scenario has a few steps."""
GATEWAYS_OWN = b'{"message":"Missing Authentication Token"}'
"""Body of the local emulator's 403 for a path or method without a route. It ignores GatewayResponses
(docs/local-differences.md). On AWS the response is a 404 in the contract's envelope: tests/template/test_routes.py."""

config = CloudConfig.from_environment(dict(os.environ))
stack = Stack.read(config)


class Sessions:
    """A session for each call: the owner's if the call names a job or batch of an earlier call, else a new user's.

    With new users, calls rarely reach the rate limits, which stay as in production.
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[str, User] = OrderedDict()
        self._callers: OrderedDict[str, User] = OrderedDict()
        self._makers: dict[str, User] = {}
        self._newest = User(stack)

    def get(self, case: Any, _context: Any) -> User:
        """Return the user who makes the call."""
        named = [*(case.path_parameters or {}).values(), *(case.query or {}).values()]
        owner = next((self._owners[name] for name in named if isinstance(name, str) and name in self._owners), None)
        if owner is None:
            owner = self._newest if case.operation.label == "GET /api/videos" else User(stack)
        _remember(self._callers, str(case.id), owner)
        return owner

    def set(self, case: Any, user: User, _context: Any) -> None:
        """Add the user's session cookie to the call."""
        case.cookies = {**(case.cookies or {}), stack.cookie_name: user.token()}

    def note(self, case: Any, response: Response) -> User | None:
        """Remember the owner of the jobs and batches that the call created. Return the owner, or None."""
        user = self._callers.get(str(case.id))
        if user is None or response.status_code != 201:
            return None
        data = json.loads(response.content)["data"]
        for resource in (data, *data.get("items", ())):
            for name in ("jobId", "batchId"):
                if name in resource:
                    _remember(self._owners, resource[name], user)
        self._newest = self._makers[user.id] = user
        return user

    def delete_all_jobs(self) -> None:
        """Delete the jobs that are left, of up to a minute each, so that the next tests don't wait for their videos."""
        for user in list(self._makers.values()):
            self.delete_jobs(user)

    def delete_jobs(self, user: User) -> None:
        """Delete all jobs of a user."""
        self._makers.pop(user.id, None)
        with suppress(OSError):  # a failed clean-up is not a finding
            user.call("DELETE", "/api/users/me/videos")


def _remember(users: OrderedDict[str, User], name: str, user: User) -> None:
    users[name] = user
    if len(users) > CACHE_SECONDS:
        users.popitem(last=False)


sessions = Sessions()
atexit.register(sessions.delete_all_jobs)
_turns = count()


@schemathesis.auth(refresh_interval=None)
class SessionCookie:
    """The security scheme `session`."""

    def get(self, case: Any, context: Any) -> User:
        """Return the user who makes the call."""
        return sessions.get(case, context)

    def set(self, case: Any, data: User, context: Any) -> None:
        """Add the user's session cookie to the call."""
        sessions.set(case, data, context)


@schemathesis.hook
def before_load_schema(_context: Any, raw_schema: dict[str, Any]) -> None:
    """Add what the document can't define: the values of `provider`, and all of the invisible characters."""
    deployed = describe_stack(config, stack.aws_endpoint_url)
    assert deployed is not None
    allowed = [name for name in deployed.parameters["AllowedProviders"].split(",") if name]
    fields = raw_schema["components"]["schemas"]["GenerateRequest"]["properties"]
    unlisted = f"{chr(UNLISTED[0])}-{chr(UNLISTED[-1])}]"
    fields["prompt"]["pattern"] = fields["prompt"]["pattern"].removesuffix("]") + unlisted
    if allowed:
        fields["provider"] = {"enum": allowed}
    else:
        del fields["provider"]


def _sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
    body = request.body or b""
    try:
        text = body if isinstance(body, str) else body.decode()
    except UnicodeDecodeError:  # a provider never signs such a body, and this library can't
        return request
    now = datetime.now(UTC)
    signature = Webhook(AI_WEBHOOK_SECRET).sign("a-callback", now, text)
    named = {"webhook-id": "a-callback", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    request.headers.update(named)
    return request


@schemathesis.hook
def before_call(_context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Sign every second callback with the secret of the provider that the tests configure.

    Valid requests name no fields that a named provider may lack, which the document can't define.
    """
    if case.meta and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        items = [case.body, *case.body.get("items", ())]
        for field in ("seed", "negativePrompt", "sound", "resolution"):
            for item in items:
                if item.get("provider"):
                    item.pop(field, None)
    if case.operation.definition.raw["operationId"] == "receiveProviderCallback" and next(_turns) % 2:
        kwargs["auth"] = _sign


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Response) -> None:
    """Delete the jobs that no later step of a scenario can use, so that their videos are not rendered."""
    maker = sessions.note(case, response)
    if maker and case.meta and case.meta.phase.name.value != "stateful":
        sessions.delete_jobs(maker)


@schemathesis.hook
def filter_failure(_context: Any, failure: Failure, case: Any, response: Response) -> bool:
    """Ignore responses of the local gateway, and that a signed callback is accepted with any content."""
    if isinstance(failure, AcceptedNegativeData):
        return str(case.operation.definition.raw["operationId"]) != "receiveProviderCallback"
    is_gateways = response.headers.get("x-amzn-errortype") == ["MissingAuthenticationTokenException"]
    return not (is_gateways and response.status_code == 403 and response.content in {GATEWAYS_OWN, b""})
