"""Errors of commands, and messages for errors of MongoDB and AWS."""

from botocore.exceptions import BotoCoreError, ClientError

from videojobs.domain.errors import Unavailable


class OpsError(Exception):
    """Error of a command. The message states the problem and the remedy; `main` prints it and returns exit code 1."""


def explain_unavailable(error: Unavailable) -> str:
    """Return a message with the service that did not respond and the remedy.

    It never quotes a message of a driver, which can contain a URI with a password.
    """
    cause = error.__cause__
    if cause is not None and type(cause).__module__.startswith("pymongo"):
        return (
            f"MongoDB does not respond ({type(cause).__name__}). Check that Atlas's access list contains this "
            "network and that the secret has the current password."
        )
    if isinstance(cause, ClientError):
        request = f"{cause.operation_name}: {cause.response['Error']['Code']}"
        return f"AWS refused the request ({request}). Check your permissions; docs/reference/commands.md lists them."
    return "A service does not respond. Try again; every command may be repeated."


def explain_aws(error: BotoCoreError | ClientError, what: str) -> str:
    """Return a message for an error of boto3. `what` is the requested object, such as "the stack NAME"."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code == "ValidationError":
        return f"Not found in this account and region: {what}. Check --stack, --profile and --region."
    if "AccessDenied" in code or "Unauthorized" in code:
        return f"Your credentials do not allow access to {what} ({code}). See docs/reference/commands.md."
    return f"The AWS request for {what} failed. Check your credentials and network, and try again. ({error})"
