import socket
import threading
from contextlib import contextmanager

import pytest
from ray.exceptions import AuthenticationError

from acutance_platform.sweep import cluster
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.knocking import require_answer
from acutance_platform.sweep.room import Share

SETTINGS = bytes([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100])


@contextmanager
def somebody(says):
    """A server on this machine that answers a first word with these bytes and leaves."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            line, _ = server.accept()
            with line:
                line.recv(100)
                line.sendall(says)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)


def test_ray_client_addresses_are_refused_with_a_way_out():
    with pytest.raises(SweepError, match="ray job submit"):
        require_answer("ray://127.0.0.1:10001")


@pytest.mark.parametrize("address", ["10.0.0.5", ":6379", "http://127.0.0.1:8265", "head", ""])
def test_what_is_no_address_is_refused_before_anybody_knocks(address):
    with pytest.raises(SweepError, match=r"not HOST:PORT.*10\.0\.0\.5:6379"):
        require_answer(address)


def test_a_port_at_which_nobody_listens_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SweepError, match=rf":{port}: no Ray cluster.*unset RAY_ADDRESS"):
        require_answer(f"127.0.0.1:{port}")


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b""])
def test_other_servers_are_told_from_a_ray_head(says):
    with somebody(says) as address, pytest.raises(SweepError, match=r"no Ray head.*8265"):
        require_answer(address)


def test_who_speaks_as_ray_heads_do_is_let_pass():
    with somebody(SETTINGS) as address:
        require_answer(address)


def test_behind_tls_nobody_is_judged_by_a_greeting(monkeypatch):
    monkeypatch.setenv("RAY_USE_TLS", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_answer(f"127.0.0.1:{server.getsockname()[1]}")


def test_a_cluster_that_lets_nobody_in_is_asked_for_with_its_token(monkeypatch):
    def refuse(**options):
        raise ConnectionError("Failed to connect to Ray cluster at 10.0.0.5:6379")

    monkeypatch.setattr(cluster.ray, "init", refuse)
    words = "auto: no Ray cluster lets this process in .*give this process.*RAY_AUTH_TOKEN_PATH"
    with pytest.raises(SweepError, match=words), cluster.connected("auto"):
        raise AssertionError("not connected")


@pytest.mark.parametrize("address", [None, "auto"])
def test_a_token_that_is_asked_for_and_not_there_is_no_traceback(monkeypatch, tmp_path, address):
    def refuse(**options):
        raise AuthenticationError("file cannot be opened or is empty: /x. Ensure that the page")

    monkeypatch.setattr(cluster.ray, "init", refuse)
    words = r"this process has none \(file .*: /x\)\. Give this process .*RAY_AUTH_TOKEN_PATH=FILE"
    with pytest.raises(SweepError, match=words), cluster.cluster(Share(1, 0), "a-name", address):
        raise AssertionError("not connected")


def test_what_breaks_while_connected_is_not_taken_for_the_connection(monkeypatch):
    monkeypatch.setattr(cluster.ray, "init", lambda **options: None)
    with pytest.raises(BrokenPipeError), cluster.connected("auto"):
        raise BrokenPipeError
