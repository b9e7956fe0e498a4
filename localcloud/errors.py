"""The errors that the local system reports to its user in words."""


class LocalCloudError(Exception):
    """The local system can't do what was asked; the message says what to do about it."""


class CommandFailedError(LocalCloudError):
    """A command (`sam build`, `sam deploy`) failed; the message ends with the last lines it printed."""


class ServerFailedError(LocalCloudError):
    """A server ended while it was starting; the message ends with the last lines of its log."""
