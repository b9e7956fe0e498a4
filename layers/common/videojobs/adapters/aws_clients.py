"""Light clients of AWS services, in place of boto3's clients (docs/adr/0006).

A light client has the method names, arguments, responses and errors of boto3's client, for the operations that the
adapters call. Adapters therefore work with both. Operations are attempted as described at `AwsClient`.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, Unpack, cast
from urllib.parse import quote

from videojobs.adapters.aws import AwsClient

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import GetSecretValueRequestTypeDef, GetSecretValueResponseTypeDef
    from mypy_boto3_sqs.type_defs import (
        SendMessageBatchRequestTypeDef,
        SendMessageBatchResultTypeDef,
        SendMessageRequestTypeDef,
        SendMessageResultTypeDef,
    )


class ClientOptions(TypedDict):
    """Options of `AwsClient`."""

    region: str
    connections: NotRequired[int]
    read_seconds: NotRequired[float]
    sleep: NotRequired[Callable[[float], None]]


class PostToConnectionRequest(TypedDict):
    """Arguments of `post_to_connection`."""

    ConnectionId: str
    Data: bytes


class DeleteConnectionRequest(TypedDict):
    """Arguments of `delete_connection`."""

    ConnectionId: str


class JsonClient(AwsClient):
    """Client of a service with the AWS JSON protocol."""

    def _call(self, target: str, version: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call the operation `target`, such as `AmazonSQS.SendMessage`, in a protocol version, such as `1.0`."""
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": target}
        operation = target.rpartition(".")[2]
        body = self.request(operation, "POST", "/", headers, json.dumps(arguments).encode())
        try:
            result: dict[str, Any] = json.loads(body)
        except ValueError as error:  # the response came from a proxy, not from AWS
            from botocore.exceptions import HTTPClientError

            raise HTTPClientError(error=error) from None
        return result


class LightSqsClient(JsonClient):
    """Client of SQS."""

    def __init__(self, url: str, **options: Unpack[ClientOptions]) -> None:
        """Create the client; nothing is connected. `url` is the endpoint."""
        super().__init__("sqs", url, **options)

    def send_message(self, **request: "Unpack[SendMessageRequestTypeDef]") -> "SendMessageResultTypeDef":
        """Send a message, at least once if it succeeds."""
        return cast("SendMessageResultTypeDef", self._call("AmazonSQS.SendMessage", "1.0", request))

    def send_message_batch(
        self, **request: "Unpack[SendMessageBatchRequestTypeDef]"
    ) -> "SendMessageBatchResultTypeDef":
        """Send up to ten messages. The response lists the sent ones and those that failed."""
        return cast("SendMessageBatchResultTypeDef", self._call("AmazonSQS.SendMessageBatch", "1.0", request))


class LightSecretsManagerClient(JsonClient):
    """Client of Secrets Manager."""

    def __init__(self, url: str, **options: Unpack[ClientOptions]) -> None:
        """Create the client; nothing is connected. `url` is the endpoint."""
        super().__init__("secretsmanager", url, **options)

    def get_secret_value(self, **request: "Unpack[GetSecretValueRequestTypeDef]") -> "GetSecretValueResponseTypeDef":
        """Return the value of a secret, as text or as bytes."""
        response = self._call("secretsmanager.GetSecretValue", "1.1", request)
        binary = response.get("SecretBinary")
        if binary is not None:
            response |= {"SecretBinary": b64decode(binary)}
        return cast("GetSecretValueResponseTypeDef", response)


class LightApiGatewayClient(AwsClient):
    """Client of the management API of one WebSocket API."""

    def __init__(self, url: str, **options: Unpack[ClientOptions]) -> None:
        """Create the client; nothing is connected. `url` is the endpoint and includes the stage."""
        super().__init__("execute-api", url, **options)

    def post_to_connection(self, **request: Unpack[PostToConnectionRequest]) -> None:
        """Send a message to a connection."""
        path, headers = _connection_path(request["ConnectionId"]), {"Content-Type": "application/octet-stream"}
        self.request("PostToConnection", "POST", path, headers, request["Data"])

    def delete_connection(self, **request: Unpack[DeleteConnectionRequest]) -> None:
        """Close a connection."""
        self.request("DeleteConnection", "DELETE", _connection_path(request["ConnectionId"]), {}, b"")


def _connection_path(connection_id: str) -> str:
    return f"/@connections/{quote(connection_id, safe='')}"
