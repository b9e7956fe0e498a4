"""CloudFormation's custom resources: MongoDB's indexes, a look at the JWT secret, a digest of the parameters.

CloudFormation waits for an answer at a URL that it sends along. Whatever goes wrong, it gets one, in words that say
what to do; that is why nothing but the standard library is imported before the handler runs: a layer that can't be
loaded would otherwise leave the deployment waiting.
"""

import hashlib
import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

INDEXING_SECONDS = 240
"""Longer than any other operation gets: an index on a collection that is full already takes its time."""


def handler(event: dict[str, Any], _context: "LambdaContext") -> None:
    """Answer CloudFormation, once what it asks for is done; a deletion leaves the indexes, as it leaves the jobs."""
    if event["ResourceType"] == "Custom::Configuration":
        _answer(event, "SUCCESS", "Whoever has another digest is another version", digest=_digest(event))
    elif event["RequestType"] == "Delete":
        _answer(event, "SUCCESS", "The indexes stay with the jobs")
    elif _is_rollback(event):
        _answer(event, "SUCCESS", "The properties before are restored; what failed was not tried again")
    elif event["ResourceType"] == "Custom::JwtSecret":
        _try(event, _check_jwt_secret, _advise_on_jwt_secret)
    else:
        _try(event, _make_indexes, _advise)


_refused: dict[str, Any] = {}
"""The properties of each resource whose last update failed in this process."""


def _is_rollback(event: dict[str, Any]) -> bool:
    """Return whether CloudFormation takes back an update that failed here.

    It then sends another update, whose old properties are those that failed. With the secret unchanged that update
    would fail too and leave the stack in UPDATE_ROLLBACK_FAILED. A process that did not fail itself tries again.
    """
    refused = _refused.pop(event["LogicalResourceId"], None)
    return refused is not None and refused == event.get("OldResourceProperties")


def _try(event: dict[str, Any], do: "Callable[[], str]", advise: "Callable[[Exception], str]") -> None:
    try:
        done = do()
    except Exception as error:  # noqa: BLE001 - an unanswered CloudFormation waits until it times out
        line = {"level": "ERROR", "action": "resource_failed", "resource": event["ResourceType"]}
        print(json.dumps(line | {"error": _describe(error)}))  # noqa: T201
        if event["RequestType"] == "Update":
            _refused[event["LogicalResourceId"]] = event["ResourceProperties"]
        _answer(event, "FAILED", f"{advise(error)} ({_describe(error)})")
    else:
        _answer(event, "SUCCESS", done)


def _digest(event: dict[str, Any]) -> str:
    configuration = json.dumps(event["ResourceProperties"], sort_keys=True)
    return hashlib.sha256(configuration.encode()).hexdigest()[:16]


class _WeakSecretError(Exception):
    """Its words say what to do."""


def _check_jwt_secret() -> str:
    from videojobs import bootstrap
    from videojobs.api.auth import find_weakness

    secret, accept_short = bootstrap.jwt_secret(refresh=True), bootstrap.accept_short_jwt_secret()
    weakness = find_weakness(secret, accept_short=accept_short)
    if weakness is not None:
        raise _WeakSecretError(f"The secret JwtSecretArn {weakness}.")
    if find_weakness(secret, accept_short=False) is not None:
        print(json.dumps({"level": "WARNING", "action": "short_jwt_secret_accepted"}))  # noqa: T201
        return "The key is short, and AcceptShortJwtSecret accepts it"
    return "The key is long enough"


def _advise_on_jwt_secret(error: Exception) -> str:
    if isinstance(error, _WeakSecretError):
        return str(error)
    if isinstance(error, ImportError):
        return _OTHER_ARCHITECTURE
    return "The secret JwtSecretArn can't be read: is its ARN right, and may the function decrypt it?"


def _make_indexes() -> str:
    import pymongo

    from videojobs import bootstrap
    from videojobs.adapters.mongo.indexes import ensure_indexes

    connection = bootstrap.mongo_connection()
    connection.refresh()  # a warm environment can hold a value that is up to five minutes old
    connection.run(lambda database: database.command("ping"))  # a closed network shows within seconds, not minutes
    with pymongo.timeout(INDEXING_SECONDS):
        return ", ".join(connection.run(ensure_indexes))


def _advise(error: Exception) -> str:
    if isinstance(error, ImportError):
        return _OTHER_ARCHITECTURE
    from videojobs.adapters.mongo.advice import advise_on_indexes

    return advise_on_indexes(error)


def _describe(error: Exception) -> str:
    """Types and codes only: a driver's message can quote hosts."""
    cause = error.__cause__ or error
    return f"{type(cause).__name__} {getattr(cause, 'code', None) or ''}".strip()


_OTHER_ARCHITECTURE = "The layers can't be loaded: give `sam build` the same Architecture as `sam deploy`."
_IDS = {"Custom::MongoIndexes": "mongo-indexes"}


def _answer(event: dict[str, Any], status: str, reason: str, digest: str = "") -> None:
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": _IDS.get(event["ResourceType"]) or event["LogicalResourceId"],
        "Data": {"Digest": digest},
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    url, headers = event["ResponseURL"], {"Content-Type": ""}  # S3, which signed the URL, takes no other type
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT")  # noqa: S310 - CloudFormation's
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310
        return
