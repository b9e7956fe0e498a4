"""Advice for operators whose deployment failed to create the indexes."""

from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

_REFUSED = "MongoDB rejected the user name or password. Correct them in the secret MongoSecretArn, then deploy again."
_CONFLICT = "An index of adapters/mongo/indexes.py already exists with another definition. Drop it, then deploy again."
_BY_CODE = {
    13: "The database user can't create indexes. Grant it the role readWrite on the database.",
    18: _REFUSED,
    8000: _REFUSED,
    85: _CONFLICT,
    86: _CONFLICT,
}


def advise_on_indexes(error: Exception) -> str:
    """Return the likely cause of an error of `ensure_indexes` and its remedy, as text for an operator.

    The cause is taken from `error.__cause__`, which `MongoConnection` sets. Any other cause is taken for an unreadable
    secret.
    """
    cause = error.__cause__
    if isinstance(cause, OperationFailure):
        return _BY_CODE.get(
            cause.code or 0,
            "MongoDB refused to create the indexes. Look up the error code in the MongoDB documentation.",
        )
    if isinstance(cause, ConfigurationError):
        return "The secret MongoSecretArn is not a valid MongoDB connection string, or its host is unknown. Correct it."
    if isinstance(cause, PyMongoError):
        return "MongoDB does not respond. Allow the functions in Atlas's Network Access, then retry."
    return "The secret MongoSecretArn can't be read. Check its ARN and the function's permission to decrypt it."
