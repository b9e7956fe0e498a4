"""Writes and reads `stack.json`: how to reach the local system, for every tool and test."""

import json
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Self

from localcloud.config import CloudConfig
from localcloud.deployment import DeployedStack
from localcloud.errors import LocalCloudError

_EXECUTE_API = re.compile(r"(?:https|wss)://(?P<api>[^./]+)\.execute-api\.[^/]+/(?P<stage>[^/]+)/?$")


@dataclass(frozen=True, slots=True)
class Stack:
    """A running system, a local one as a rule. In the file the fields are spelled in camel case."""

    api_url: str
    web_url: str
    ws_url: str | None
    mongo_uri: str = field(repr=False)
    aws_endpoint_url: str
    stack_name: str
    cookie_name: str
    jwt_secret: str = field(repr=False)
    queues: dict[str, str]
    bucket: str
    functions: dict[str, str]

    @classmethod
    def of(
        cls,
        deployed: DeployedStack,
        *,
        stack_name: str,
        endpoint_url: str,
        web_url: str,
        mongo_uri: str,
        secret: str,
    ) -> Self:
        """The system that these parts make; on AWS there is no `endpoint_url`, and what is not known is empty."""
        outputs = deployed.outputs
        return cls(
            api_url=_local_url(outputs["ApiUrl"], endpoint_url),
            web_url=web_url,
            ws_url=_local_url(outputs["WebSocketUrl"], endpoint_url) if "WebSocketUrl" in outputs else None,
            mongo_uri=mongo_uri,
            aws_endpoint_url=endpoint_url,
            stack_name=stack_name,
            cookie_name=deployed.parameters["CookieName"],
            jwt_secret=secret,
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
        draft.write_text(json.dumps({_camel(name): value for name, value in asdict(self).items()}, indent=2) + "\n")
        draft.replace(config.stack_file)

    @classmethod
    def read(cls, config: CloudConfig) -> Self:
        """The running system.

        Raises:
            LocalCloudError: none is running.
        """
        try:
            found = json.loads(config.stack_file.read_text())
        except FileNotFoundError:
            raise LocalCloudError("The local system is not running. Start it:  make up") from None
        return cls(**{each.name: found[_camel(each.name)] for each in fields(cls)})


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


def _short(key: str, ending: str) -> str:
    name = key.removesuffix(ending)
    return name[0].lower() + name[1:]


def _local_url(url: str, endpoint_url: str) -> str:
    """AWS's address of an API as the local AWS serves it, by a name that resolves everywhere; on AWS as it is."""
    if not endpoint_url:
        return url
    match = _EXECUTE_API.match(url)
    if match is None:
        raise LocalCloudError(f"The stack's output {url} is not the address of an API")
    scheme = "ws" if url.startswith("wss") else "http"
    base = endpoint_url.replace("http", scheme, 1)
    return f"{base}/_aws/execute-api/{match['api']}/{match['stage']}"
