"""A proxy on loopback that spoils a share of what passes it, as networks and services do.

    500, 503     the service says so, and nothing reached it
    cut upload   half of what is sent arrives, then the connection is reset
    lost answer  the service does it, and its answer never comes
    stall        half of the answer comes, then nothing
    truncated    half of the answer comes, then the connection is closed in good order
    reset        half of the answer comes, then the connection is reset
    flipped      one bit of a content that is sent or fetched is another one

Lists and other answers in XML carry no checksum in this protocol (TLS is what protects them), so
bits are flipped in contents alone.
"""

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KINDS = ("500", "503", "cut upload", "lost answer", "stall", "truncated", "reset", "flipped")
_HOP = {"connection", "transfer-encoding", "keep-alive"}


class FaultProxy(ThreadingHTTPServer):
    """Passes requests on to an endpoint, and spoils some.

    Args:
        endpoint: URL of the service.
        share: Of the requests that are spoilt, 0 to 1.
        seed: Of the draws.
        stall: Seconds of silence; more than the client's patience.
        kinds: What may happen to them.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        endpoint: str,
        *,
        share: float,
        seed: int = 0,
        stall: float = 2.0,
        kinds: tuple[str, ...] = KINDS,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(endpoint).netloc
        self.share, self.stall, self.kinds = share, stall, kinds
        self.requests, self.sent, self.faults = 0, 0, Counter[str]()
        self._met: dict[tuple[str, ...], Counter[str]] = {}
        self._draws, self._lock = random.Random(seed), threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def draw(self, possible: list[str]) -> str | None:
        """Return what becomes of the next request; None for nothing bad."""
        with self._lock:
            self.requests += 1
            if not possible or self._draws.random() >= self.share:
                return None
            # One that such requests met least often so far: a short test sees them all.
            met = self._met.setdefault(tuple(possible), Counter())
            kind = min(possible, key=lambda kind: (met[kind], self._draws.random()))
            met[kind] += 1
            self.faults[kind] += 1
            return kind

    def count(self, sent: int) -> None:
        """Count bytes of contents and lists that were fetched."""
        with self._lock:
            self.sent += sent

    def flipped(self, data: bytes) -> bytes:
        """Return `data` with one bit flipped."""
        with self._lock:
            place, bit = self._draws.randrange(len(data)), self._draws.randrange(8)
        return data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]

    def shutdown_request(self, request: Any) -> None:
        # Without the usual good-bye, so that a reset is a reset.
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that gave up on a stall


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultProxy

    def log_message(self, *_: Any) -> None:
        pass

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sends = self.command == "PUT" and bool(body)
        fetches = self.command == "GET" and "list-type" not in self.path
        never = {*(() if sends else ("cut upload",)), *(() if sends or fetches else ("flipped",))}
        possible = [kind for kind in self.server.kinds if kind not in never]
        kind = self.server.draw(possible)
        if kind in ("500", "503"):
            code = {"500": "InternalError", "503": "SlowDown"}[kind]
            self._answer(int(kind), {}, f"<Error><Code>{code}</Code></Error>".encode())
            return
        upstream = http.client.HTTPConnection(self.server.target, timeout=60)
        try:
            if kind == "cut upload":
                self._forward(upstream, body, keep=len(body) // 2)
                self._reset()
                return
            if kind == "flipped" and sends:
                body = self.server.flipped(body)
            self._forward(upstream, body, keep=len(body))
            answer = upstream.getresponse()
            data, headers = answer.read(), dict(answer.getheaders())
        finally:
            upstream.close()
        self._back(kind, answer.status, headers, data, fetches=fetches)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = pass_on

    def _forward(self, upstream: http.client.HTTPConnection, body: bytes, *, keep: int) -> None:
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders()
        upstream.send(body[:keep])

    def _back(
        self, kind: str | None, status: int, headers: dict[str, str], data: bytes, *, fetches: bool
    ) -> None:
        half = data[: len(data) // 2]
        if kind == "lost answer":
            self._reset()
        elif kind in ("stall", "truncated", "reset"):
            self._answer(status, headers, half, length=len(data))
            if kind == "stall":
                time.sleep(self.server.stall)
            if kind == "reset":
                self._reset()
            self.close_connection = True
        else:
            if kind == "flipped" and fetches and data:
                data = self.server.flipped(data)
            self._answer(status, headers, data)

    def _answer(
        self, status: int, headers: dict[str, str], data: bytes, length: int | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP and (name.lower() != "content-length"):
                self.send_header(name, value)
        said = headers.get("Content-Length", "0") if self.command == "HEAD" else None
        self.send_header("Content-Length", said or str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)
        if self.command == "GET":
            self.server.count(len(data))

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


@contextmanager
def faulty(endpoint: str, **options: Any) -> Iterator[FaultProxy]:
    """Run a `FaultProxy` in threads of this process; options are its own."""
    proxy = FaultProxy(endpoint, **options)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
