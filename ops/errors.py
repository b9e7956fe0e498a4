"""What commands can't do, said to a person at a terminal."""

from botocore.exceptions import BotoCoreError, ClientError

from videojobs.domain.errors import Unavailable


class OpsError(Exception):
    """The message says what is wrong and what to do about it."""


def explain_unavailable(error: Unavailable) -> str:
    """Which service did not answer, and what an operator does about it. Never quotes a driver: it may quote a URI."""
    cause = error.__cause__
    if cause is not None and type(cause).__module__.startswith("pymongo"):
        return (
            f"MongoDB does not answer ({type(cause).__name__}). Is this network in Atlas's access list, and is the "
            "password in the secret the one that holds?"
        )
    if isinstance(cause, RuntimeError):  # AwsJsonClient's own words: service, operation, and the kind of the refusal
        return f"AWS refused ({cause}). Do your credentials allow it? docs/operations.md lists what they need."
    return "A service does not answer. Try again; every command may be repeated."


def explain_aws(error: BotoCoreError | ClientError, what: str) -> str:
    """What AWS said when it was asked for something."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code == "ValidationError":
        return f"There is no such thing in this account and region: {what}. Look at --stack, --profile and --region."
    if "AccessDenied" in code or "Unauthorized" in code:
        return f"Your credentials may not read {what} ({code}); docs/operations.md lists what commands need."
    return f"AWS did not answer for {what}: {error}"
