"""The only maker of the Logger: one JSON line per event, for the services' `logging.getLogger(__name__)` too.

Powertools puts its handler and formatter on the logger of this package's name; the loggers of its modules propagate to
it, so that services need nothing but the standard library.
"""

from aws_lambda_powertools.logging import Logger

logger = Logger(service="videojobs", use_rfc3339=True)
"""Level from `LOG_LEVEL`. Never log a prompt, a body, a token, a cookie, a URI or a presigned URL."""
