"""What an operator can do about an error of the deployment's index step."""

from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

_REFUSED = "MongoDB refuses the user name or the password in the secret MongoSecretArn."
_CONFLICT = "An index of ours (adapters/mongo/indexes.py) exists with another definition: drop it, then deploy again."
_BY_CODE = {
    13: "The database user may not create indexes: give it the role readWrite on the database.",
    18: _REFUSED,
    8000: _REFUSED,
    85: _CONFLICT,
    86: _CONFLICT,
}


def advise_on_indexes(error: Exception) -> str:
    """Return advice for an error of `ensure_indexes`, by the cause that `MongoConnection` attaches to it."""
    cause = error.__cause__
    if isinstance(cause, OperationFailure):
        return _BY_CODE.get(cause.code or 0, "MongoDB refused to make the indexes.")
    if isinstance(cause, ConfigurationError):
        return "The secret MongoSecretArn does not hold a MongoDB connection string, or its host does not exist."
    if isinstance(cause, PyMongoError):
        return "MongoDB does not answer: open Atlas's Network Access to the functions (docs/deploy.md); deploy again."
    return "The secret MongoSecretArn can't be read: is its ARN right, and may the function decrypt it?"
