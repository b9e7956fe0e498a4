"""Custom resources of CloudFormation: MongoDB's indexes, a check of the JWT secret, a digest of the parameters.

CloudFormation waits for a response at a URL in its event. The function responds even when it fails, with a reason that
names the remedy. It imports only the standard library before the handler runs, because a layer that can't be loaded
would leave the deployment waiting. A deletion keeps the indexes and the jobs.
"""

import hashlib
import json
import urllib.request
from collections.abc import Callable
from typing import Any

INDEXING_SECONDS = 240
"""The timeout for creating indexes, which takes longer on a large collection than any other operation."""


def handler(event: dict[str, Any], _context: object) -> None:
    """Apply the resource and send SUCCESS or FAILED to CloudFormation; raise `URLError` if it does not respond."""
    if event["ResourceType"] == "Custom::Configuration":
        configuration = json.dumps(event["ResourceProperties"], sort_keys=True)
        digest = hashlib.sha256(configuration.encode()).hexdigest()[:16]
        _answer(event, "SUCCESS", "A changed digest makes a new version of each function", digest=digest)
    elif event["RequestType"] == "Delete":
        _answer(event, "SUCCESS", "The indexes stay with the jobs")
    elif _is_rollback(event):
        _answer(event, "SUCCESS", "The previous properties are restored; the failed operation was not repeated")
    elif event["ResourceType"] == "Custom::JwtSecret":
        _try(event, _check_jwt_secret, _advise_on_jwt_secret)
    else:
        _try(event, _make_indexes, _advise)


_refused: dict[str, Any] = {}
"""The properties of each resource whose last update failed in this environment, by logical ID."""


def _is_rollback(event: dict[str, Any]) -> bool:
    """Return whether the event rolls back an update that failed in this environment.

    CloudFormation rolls back with another update, whose old properties are those that failed. With the secret unchanged
    that update would fail too and leave the stack in UPDATE_ROLLBACK_FAILED. Another environment repeats the operation.
    """
    refused = _refused.pop(event["LogicalResourceId"], None)
    return refused is not None and refused == event.get("OldResourceProperties")


def _try(event: dict[str, Any], do: Callable[[], str], advise: Callable[[Exception], str]) -> None:
    try:
        done = do()
    except Exception as error:  # noqa: BLE001 - without a response CloudFormation waits until it times out
        line = {"level": "ERROR", "action": "resource_failed", "resource": event["ResourceType"]}
        print(json.dumps(line | {"error": _describe(error)}))  # noqa: T201
        if event["RequestType"] == "Update":
            _refused[event["LogicalResourceId"]] = event["ResourceProperties"]
        advice = _OTHER_ARCHITECTURE if isinstance(error, ImportError) else advise(error)
        _answer(event, "FAILED", f"{advice} ({_describe(error)})")
    else:
        _answer(event, "SUCCESS", done)


def _check_jwt_secret() -> str:
    from videojobs import bootstrap
    from videojobs.api.auth import check_secret

    if check_secret(bootstrap.jwt_secret(refresh=True), accept_short=bootstrap.accept_short_jwt_secret()):
        return "The key is long enough"
    print(json.dumps({"level": "WARNING", "action": "short_jwt_secret_accepted"}))  # noqa: T201
    return "The key is short, and AcceptShortJwtSecret accepts it"


def _advise_on_jwt_secret(error: Exception) -> str:
    from videojobs.api.auth import UnusableSecretError

    if isinstance(error, UnusableSecretError):
        return f"The secret JwtSecretArn {error}."
    return "The secret JwtSecretArn can't be read. Check its ARN, and that the function may decrypt it."


def _make_indexes() -> str:
    import pymongo

    from videojobs import bootstrap
    from videojobs.adapters.mongo.indexes import ensure_indexes

    connection = bootstrap.mongo_connection()
    connection.refresh()  # a warm environment can have a value that is up to five minutes old
    connection.run(lambda database: database.command("ping"))  # fails within seconds if the network is closed
    with pymongo.timeout(INDEXING_SECONDS):
        return ", ".join(connection.run(ensure_indexes))


def _advise(error: Exception) -> str:
    from videojobs.adapters.mongo.advice import advise_on_indexes

    return advise_on_indexes(error)


def _describe(error: Exception) -> str:
    """Return the error's type and code only, because a driver's message can quote hosts."""
    cause = error.__cause__ or error
    return f"{type(cause).__name__} {getattr(cause, 'code', None) or ''}".strip()


_OTHER_ARCHITECTURE = "The layers can't be loaded. Run `sam build` with the same Architecture as `sam deploy`."


def _answer(event: dict[str, Any], status: str, reason: str, digest: str = "") -> None:
    resource_id = event["LogicalResourceId"]
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": {"MongoIndexes": "mongo-indexes"}.get(resource_id, resource_id),
        "Data": {"Digest": digest},
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    url, headers = event["ResponseURL"], {"Content-Type": ""}  # the presigned URL of S3 accepts no other type
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT")  # noqa: S310 - CloudFormation's
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310
        return
