"""Writes and reads `stack.json`: how to reach the local system, for every tool and test."""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Self

from localcloud.config import CloudConfig
from localcloud.deployment import DeployedStack
from localcloud.errors import LocalCloudError

_EXECUTE_API = re.compile(r"(?:https|wss)://(?P<api>[^./]+)\.execute-api\.[^/]+/(?P<stage>[^/]+)/?$")


@dataclass(frozen=True, slots=True)
class Stack:
    """A running local system. The fields are those of the file, in its spelling."""

    apiUrl: str  # noqa: N815
    webUrl: str | None  # noqa: N815
    wsUrl: str | None  # noqa: N815
    mongoUri: str  # noqa: N815
    awsEndpointUrl: str  # noqa: N815
    stackName: str  # noqa: N815
    cookieName: str  # noqa: N815
    jwtSecret: str = field(repr=False)  # noqa: N815
    queues: dict[str, str]
    bucket: str
    functions: dict[str, str]

    @classmethod
    def of(cls, deployed: DeployedStack, config: CloudConfig, endpoint_url: str, mongo_uri: str, secret: str) -> Self:
        """The system that these parts make."""
        outputs = deployed.outputs
        return cls(
            apiUrl=_local_url(outputs["ApiUrl"], endpoint_url),
            webUrl=outputs.get("WebUrl"),
            wsUrl=_local_url(outputs["WebSocketUrl"], endpoint_url) if "WebSocketUrl" in outputs else None,
            mongoUri=mongo_uri,
            awsEndpointUrl=endpoint_url,
            stackName=config.stack_name,
            cookieName=deployed.parameters["CookieName"],
            jwtSecret=secret,
            queues={_short(key, "QueueUrl"): value for key, value in outputs.items() if key.endswith("QueueUrl")},
            bucket=outputs["VideosBucketName"],
            functions={
                _short(key, "FunctionName"): value for key, value in outputs.items() if key.endswith("FunctionName")
            },
        )

    def write(self, config: CloudConfig) -> None:
        """Write the file in one move, so that no reader sees half of it; it holds a secret."""
        draft = config.stack_file.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(config.stack_file)

    @classmethod
    def read(cls, config: CloudConfig) -> Self:
        """The running system.

        Raises:
            LocalCloudError: none is running.
        """
        try:
            return cls(**json.loads(config.stack_file.read_text()))
        except FileNotFoundError:
            raise LocalCloudError("The local system is not running. Start it:  make up") from None


def _short(key: str, ending: str) -> str:
    name = key.removesuffix(ending)
    return name[0].lower() + name[1:]


def _local_url(url: str, endpoint_url: str) -> str:
    """AWS's address of an API as the local AWS serves it, by a name that resolves everywhere."""
    match = _EXECUTE_API.match(url)
    if match is None:
        raise LocalCloudError(f"The stack's output {url} is not the address of an API")
    scheme = "ws" if url.startswith("wss") else "http"
    base = endpoint_url.replace("http", scheme, 1)
    return f"{base}/_aws/execute-api/{match['api']}/{match['stage']}"
