"""Surroundings of the preflight: AWS below boto3, programs on the PATH, MongoDB and DNS on sockets."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import bson
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from botocore.awsrequest import AWSResponse
from botocore.model import OperationModel
from botocore.validate import ParamValidator

_current: list["Account"] = []
"""The account that responds. All accounts share one session, because boto3 takes long to create it."""

type Response = dict[str, Any] | Refusal | Callable[[Mapping[str, Any]], dict[str, Any] | Refusal]
"""Response to an operation, or a function of the request's parameters that returns it."""


@dataclass(frozen=True)
class Refusal:
    """Error that AWS returns."""

    code: str
    message: str = "refused"


class Account:
    """AWS below boto3: each operation has a response, which must match the service's model. No request leaves boto3.

    It uses botocore's own hook `before-call`, which may return the response of an operation.
    """

    def __init__(self, **responses: Response) -> None:
        """Store the responses by operation, such as `DescribeStacks`. A new account takes the place of the last one."""
        _current[:] = [self]
        self.responses = responses
        self.regions: dict[str, set[str]] = {}
        """The regions that were asked for each operation."""
        self.with_credentials = True

    def session(self) -> boto3.Session:
        """Return a session of this account, in the region of the environment variables."""
        return _session() if self.with_credentials else boto3.Session()

    def respond(self, model: OperationModel, context: dict[str, Any], **_: Any) -> Any:
        """Return the response of an operation as botocore expects it."""
        response = self.responses[model.name]
        self.regions.setdefault(model.name, set()).add(context["client_region"])
        if callable(response):
            response = response(context["parameters"])
        if isinstance(response, Refusal):
            return _http(400), {"Error": {"Code": response.code, "Message": response.message}}
        problems = ParamValidator().validate(response, model.output_shape).generate_report().splitlines()
        assert all(problem.startswith("Missing required") for problem in problems), problems  # only used fields are set
        return _http(200), {**response, "ResponseMetadata": {"HTTPStatusCode": 200}}


_SIGNED_IN = {"conversationId": 1, "done": True, "payload": b"", "ok": 1.0}
"""Response to the first message of the mechanism PLAIN."""


def write_program(folder: Path, name: str, output: str) -> None:
    """Write a program that prints a text."""
    program = folder / name
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    program.chmod(0o755)


@contextmanager
def mongodb(responses: Mapping[str, dict[str, Any]]) -> Iterator[int]:
    """Serve MongoDB's wire protocol with one response per command, and yield the port.

    https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
    """
    hello = {"ismaster": True, "isWritablePrimary": True, "maxWireVersion": 21, "minWireVersion": 0, "ok": 1.0}
    known = {"hello": hello, "ismaster": hello, "endSessions": {"ok": 1.0}, "saslStart": _SIGNED_IN, **responses}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, known), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def name_server(records: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, int]]:
    """Serve DNS with these records by name and type, and yield the address. Other names do not exist."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_resolve, args=(server, records), daemon=True)
        thread.start()
        yield server.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", server.getsockname())
        thread.join()


@cache
def _session() -> boto3.Session:
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "of-no-account")
    session.events.register("provide-client-params", _keep_parameters)
    session.events.register("before-call", _respond)
    return session


def _respond(**call: Any) -> Any:
    return _current[0].respond(**call)


def _keep_parameters(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["parameters"] = params


def _http(status: int) -> AWSResponse:
    return AWSResponse("https://aws.example", status, {}, None)


def _accept(listener: socket.socket, responses: Mapping[str, dict[str, Any]]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, responses), daemon=True).start()


def _serve(connection: socket.socket, responses: Mapping[str, dict[str, Any]]) -> None:
    with connection, connection.makefile("rb") as stream:
        while header := stream.read(16):
            length, request, _, opcode = struct.unpack("<iiii", header)
            body = stream.read(length - 16)
            # OP_MSG has flags and a section of kind 0. OP_QUERY has flags, a name and two numbers before the document.
            document = body[5:] if opcode == 2013 else body[body.index(b"\0", 4) + 9 :]
            response = bson.encode(responses[next(iter(bson.decode(document)))])
            if opcode == 2013:
                payload, answer = struct.pack("<ib", 0, 0) + response, 2013
            else:
                payload, answer = struct.pack("<iqii", 8, 0, 0, 1) + response, 1
            connection.sendall(struct.pack("<iiii", 16 + len(payload), 0, request, answer) + payload)


def _resolve(server: socket.socket, records: Mapping[tuple[str, str], str]) -> None:
    while True:
        query, address = server.recvfrom(4096)
        if not query:
            return
        message = dns.message.from_wire(query)
        question = message.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(message)
        response.flags |= dns.flags.RA
        if (name, kind) in records:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, records[name, kind]))
        elif all(known != name for known, _ in records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(response.to_wire(), address)
