"""Checks of MongoDB from this machine: the host names, a connection, and the privileges of the user."""

import socket
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pymongo
from pymongo.database import Database
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure
from pymongo.uri_parser import parse_uri

from ops.preflight.findings import Check, Finding, NotEstablishedError, failed, passed
from ops.preflight.target import Target
from videojobs.adapters.mongo.connection import ACCESS_REFUSED, CLOSE_SECONDS, SCHEMES, Document, MongoConnection
from videojobs.domain.errors import Unavailable

NEEDED_ACTIONS = frozenset({"find", "insert", "update", "remove", "createIndex"})
"""Privilege actions that the functions need on the database; the role `readWrite` has all of them.

https://www.mongodb.com/docs/manual/reference/privilege-actions/
"""
_DEFAULT_DATABASE = "videojobs"
_DNS_SECONDS = 5.0


def list_checks(target: Target, read_uri: Callable[[], str]) -> Sequence[Check]:
    """Return the checks of the database. `read_uri` returns the URI or raises `NotEstablishedError`."""
    read = cache(read_uri)
    return (
        Check("MongoDB hosts", lambda: _check_hosts(_usable(read()))),
        Check(
            "MongoDB connection",
            lambda: _check_connection(_usable(read()), in_vpc=bool(target.parameters["SubnetIds"])),
        ),
        Check("MongoDB privileges", lambda: _check_privileges(_usable(read()))),
    )


def check_form(uri: str) -> str:
    """Return the database that the URI names, or else `videojobs`, without resolving its host.

    Raises:
        ValueError: If the text is not a MongoDB URI. The message has the remedy and no part of the text.
    """
    if uri != uri.strip() or not uri.startswith(SCHEMES):
        raise ValueError("Store the connection string alone, which starts with mongodb:// or mongodb+srv://")
    try:
        # With the other scheme, the parser does not look up the host.
        database: str | None = parse_uri(uri.replace(SCHEMES[1], SCHEMES[0], 1))["database"]
    except (ConfigurationError, InvalidURI, ValueError):
        raise ValueError(
            "It is not a MongoDB URI. Escape special characters of the password, such as / and @"
        ) from None
    return database or _DEFAULT_DATABASE


def _usable(uri: str) -> str:
    try:
        check_form(uri)
    except ValueError:
        raise NotEstablishedError("MongoSecretArn is not a connection string") from None
    return uri


def _check_hosts(uri: str) -> Finding:
    advice = "Copy the connection string from Atlas. A private endpoint's host resolves in its VPC only."
    try:
        nodes = parse_uri(uri, connect_timeout=_DNS_SECONDS)["nodelist"]  # looks up SRV and TXT
    except ConfigurationError:
        return failed("the host has no SRV record", advice)
    unknown = [host for host, port in nodes if not _resolves(host, port)]
    if unknown:
        return failed(f"{len(unknown)} of {len(nodes)} hosts have no address", advice)
    return passed(f"{len(nodes)} host(s) with addresses")


def _resolves(host: str, port: int | None) -> bool:
    try:
        return bool(socket.getaddrinfo(host, port))
    except OSError:
        return False


def _check_connection(uri: str, *, in_vpc: bool) -> Finding:
    """Connect as the functions do.

    Without a VPC the functions have no fixed address. Atlas must then accept every address, and so this machine.
    """
    try:
        _run(uri, "ping")
    except Unavailable as error:
        if _is_refusal(error):
            return failed("MongoDB rejects the user name or password", "Correct them in the secret MongoSecretArn")
        if in_vpc:
            raise NotEstablishedError("no response; the functions connect from their VPC") from None
        return failed(
            "no response",
            "Allow 0.0.0.0/0 in Atlas, or set SubnetIds (docs/guides/deploy.md). Check this network's firewall.",
        )
    return passed("MongoDB responds and accepts the credentials")


def _check_privileges(uri: str) -> Finding:
    database = check_form(uri)
    try:
        information = _run(uri, "connectionStatus", showPrivileges=True)["authInfo"]
    except Unavailable:
        raise NotEstablishedError("connectionStatus received no response") from None
    if not information.get("authenticatedUserPrivileges"):
        raise NotEstablishedError("MongoDB reports no user, or no privileges of the user")
    missing = NEEDED_ACTIONS - granted_actions(information["authenticatedUserPrivileges"], database)
    if missing:
        return failed(f"missing on {database}: {', '.join(sorted(missing))}", f"Grant the role readWrite on {database}")
    return passed(f"{', '.join(sorted(NEEDED_ACTIONS))} on {database}")


def granted_actions(privileges: Sequence[Mapping[str, Any]], database: str) -> set[str]:
    """Return the actions that apply to all collections of a database.

    `privileges` are those that `connectionStatus` reports. An empty name in a resource stands for every database or
    collection. https://www.mongodb.com/docs/manual/reference/resource-document/
    """
    granted: set[str] = set()
    for privilege in privileges:
        resource = privilege["resource"]
        in_database = resource.get("db") in {"", database} and resource.get("collection") == ""
        if in_database or resource.get("anyResource"):
            granted.update(privilege["actions"])
    return granted


def _run(uri: str, command: str, **options: Any) -> Document:
    def read_uri(*, refresh: bool = False) -> str:  # noqa: ARG001 - the signature of `ReadSecret`
        return uri

    def call(database: Database[Document]) -> Document:
        try:
            return database.command(command, **options)
        finally:
            with pymongo.timeout(CLOSE_SECONDS):
                database.client.close()

    return MongoConnection(read_uri).run(call)


def _is_refusal(error: Unavailable) -> bool:
    return isinstance(error.__cause__, OperationFailure) and error.__cause__.code in ACCESS_REFUSED
