"""Errors of the local system whose message is printed to the user."""


class LocalCloudError(Exception):
    """Base class; the message describes the problem and, where possible, how to fix it."""


class CommandFailedError(LocalCloudError):
    """A program such as `sam deploy`, git or uv failed."""


class ServerFailedError(LocalCloudError):
    """A server did not start; the message ends with the last lines of its log."""
