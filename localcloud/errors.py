"""Errors of the local system whose message is printed to the user."""


class LocalCloudError(Exception):
    """Base class of the errors of the local system; `main` prints the message and returns 1.

    The message describes the problem and, where possible, how to fix it.
    """


class CommandFailedError(LocalCloudError):
    """Error for a program, such as `sam deploy` or uv, that ended with a status other than 0."""


class ServerFailedError(LocalCloudError):
    """Error for a server that did not start; the message ends with the last lines of its log."""
