"""Description of the running system in `stack.json`, which every tool and test reads."""

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
    """URLs, names and keys of a running system, usually a local one.

    `stack_name` is the name of its CloudFormation stack. The file `stack.json` has the field names in camel case.
    """

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
        """Create the description from a deployed CloudFormation stack.

        On AWS, `endpoint_url` is empty, and so is every value that is not known there.

        Raises:
            LocalCloudError: If the stack is local and the URL of an API in its outputs is not one of API Gateway.
        """
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
        """Write `stack.json` atomically and readable for its owner only, because it contains secrets.

        Raises:
            OSError: If the file can't be written.
        """
        draft = config.stack_file.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({_camel(name): value for name, value in asdict(self).items()}, indent=2) + "\n")
        draft.replace(config.stack_file)

    @classmethod
    def read(cls, config: CloudConfig) -> Self:
        """Return the description of the running system.

        Raises:
            LocalCloudError: If the system is not running.
        """
        try:
            content = json.loads(config.stack_file.read_text())
        except FileNotFoundError:
            raise LocalCloudError("The local system is not running. Start it:  make up") from None
        return cls(**{attribute.name: content[_camel(attribute.name)] for attribute in fields(cls)})


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


def _short(key: str, ending: str) -> str:
    name = key.removesuffix(ending)
    return name[0].lower() + name[1:]


def _local_url(url: str, endpoint_url: str) -> str:
    """Return the URL at which MiniStack serves an API, given its URL on AWS.

    Without `endpoint_url` return the URL unchanged.

    Raises:
        LocalCloudError: If `url` is not the URL of an API Gateway stage.
    """
    if not endpoint_url:
        return url
    match = _EXECUTE_API.match(url)
    if match is None:
        raise LocalCloudError(f"The stack's output {url} is not the address of an API.")
    scheme = "ws" if url.startswith("wss") else "http"
    base = endpoint_url.replace("http", scheme, 1)
    return f"{base}/_aws/execute-api/{match['api']}/{match['stage']}"
