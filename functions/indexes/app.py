"""A CloudFormation custom resource: makes MongoDB's indexes whenever a deployment creates or changes it.

CloudFormation waits for an answer at a URL that it sends along. Whatever goes wrong, it gets one, in words that say
what to do; that is why nothing but the standard library is imported before the handler runs: a layer that can't be
loaded would otherwise leave the deployment waiting.
"""

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

INDEXING_SECONDS = 240
"""Longer than any other operation gets: an index on a collection that is full already takes its time."""


def handler(event: dict[str, Any], _context: "LambdaContext") -> None:
    """Make the indexes and answer CloudFormation; a deletion leaves them, as it leaves the jobs."""
    if event["RequestType"] == "Delete":
        _answer(event, "SUCCESS", "The indexes stay with the jobs")
        return
    try:
        names = _make_indexes()
    except Exception as error:  # noqa: BLE001 - an unanswered CloudFormation waits until it times out
        print(json.dumps({"level": "ERROR", "action": "indexes_failed", "error": _describe(error)}))  # noqa: T201
        _answer(event, "FAILED", f"{_advise(error)} ({_describe(error)})")
    else:
        _answer(event, "SUCCESS", ", ".join(names))


def _make_indexes() -> list[str]:
    import pymongo

    from videojobs import bootstrap
    from videojobs.adapters.mongo.indexes import ensure_indexes

    connection = bootstrap.mongo_connection()
    connection.run(lambda database: database.command("ping"))  # a closed network shows within seconds, not minutes
    with pymongo.timeout(INDEXING_SECONDS):
        return connection.run(ensure_indexes)


def _advise(error: Exception) -> str:
    if isinstance(error, ImportError):
        return "The layers can't be loaded: give `sam build` the same Architecture as `sam deploy`."
    from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

    cause = error.__cause__
    if isinstance(cause, OperationFailure):
        return _ADVICE_BY_CODE.get(cause.code or 0, "MongoDB refused to make the indexes.")
    if isinstance(cause, ConfigurationError):
        return "The secret MongoSecretArn does not hold a MongoDB connection string, or its host does not exist."
    if isinstance(cause, PyMongoError):
        return "MongoDB does not answer: open Atlas's Network Access to the functions (docs/deploy.md); deploy again."
    return "The secret MongoSecretArn can't be read: is its ARN right, and may the function decrypt it?"


def _describe(error: Exception) -> str:
    """Types and codes only: a driver's message can quote hosts."""
    cause = error.__cause__ or error
    return f"{type(cause).__name__} {getattr(cause, 'code', None) or ''}".strip()


_REFUSED = "MongoDB refuses the user name or the password in the secret MongoSecretArn."
_CONFLICT = "An index of ours (adapters/mongo/indexes.py) exists with another definition: drop it, then deploy again."
_ADVICE_BY_CODE = {
    13: "The database user may not create indexes: give it the role readWrite on the database.",
    18: _REFUSED,
    8000: _REFUSED,
    85: _CONFLICT,
    86: _CONFLICT,
}


def _answer(event: dict[str, Any], status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": "mongo-indexes",
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    url, headers = event["ResponseURL"], {"Content-Type": ""}  # S3, which signed the URL, takes no other type
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT")  # noqa: S310 - CloudFormation's
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310
        return
