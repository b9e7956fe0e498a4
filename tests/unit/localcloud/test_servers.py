"""Ports, and the configuration of a local system."""

import socket
from pathlib import Path

from localcloud.config import CloudConfig
from localcloud.forwarding import forwarded
from localcloud.servers import aws_environment, choose_port


def test_the_first_free_port_is_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as freed:
        free = freed.getsockname()[1]
        freed.close()

        assert choose_port("127.0.0.1", taken.getsockname()[1], free) == free


def test_another_port_is_chosen_if_all_are_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert choose_port("127.0.0.1", port) not in {0, port}


def test_the_state_folder_is_read_from_the_environment(tmp_path: Path) -> None:
    config = CloudConfig.from_environment({"LOCALCLOUD_STATE": "elsewhere"}, root=tmp_path)

    assert config.state == tmp_path / "elsewhere"
    assert config.mongodb_uri is None


def test_the_mongodb_uri_is_read_from_the_environment(tmp_path: Path) -> None:
    config = CloudConfig.from_environment({"MONGODB_URI": "mongodb://db/jobs"}, root=tmp_path)

    assert (config.mongodb_uri, config.state) == ("mongodb://db/jobs", tmp_path / ".local")


def test_the_concurrency_of_the_account_is_passed_to_the_local_aws(tmp_path: Path) -> None:
    limited = CloudConfig.from_environment({"ACCOUNT_CONCURRENCY": "10"}, root=tmp_path)
    assert aws_environment(limited, 4566)["LAMBDA_ACCOUNT_CONCURRENCY"] == "10"
    assert "LAMBDA_ACCOUNT_CONCURRENCY" not in aws_environment(CloudConfig.from_environment({}, root=tmp_path), 4566)


def test_a_forwarded_port_carries_both_directions() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with (
            forwarded("127.0.0.2", [port], to="127.0.0.1"),
            socket.create_connection(("127.0.0.2", port), timeout=30) as caller,
        ):
            callee, _ = server.accept()
            with callee:
                caller.sendall(b"ping")
                assert callee.recv(4) == b"ping"
                callee.sendall(b"pong")
                assert caller.recv(4) == b"pong"
