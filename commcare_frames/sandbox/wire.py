"""Carries requests and answers over HTTP, whole or broken as the answer says."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import socket
import struct
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from commcare_frames.sandbox.hq import Asked
from commcare_frames.sandbox.messages import Delivery, Params, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.sandbox.hq import HQ

WORTH_ZIPPING = 200
MEDIA = ("image/", "audio/", "video/", "application/octet-stream")

WORTH_REMEMBERING = 1 << 20
REMEMBERED = 64


class Zipped:
    """Zips bodies, and remembers large ones: a benchmark that asks for the same pages shall not measure gzip."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, body: bytes) -> bytes:
        """Return a body zipped."""
        if len(body) < WORTH_REMEMBERING:
            return gzip.compress(body, compresslevel=1)
        digest = hashlib.blake2b(body).digest()
        with self._lock:
            zipped = self._known.get(digest)
        if zipped is None:
            zipped = gzip.compress(body, compresslevel=1)
            with self._lock:
                self._known[digest] = zipped
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return zipped


class Server(ThreadingHTTPServer):
    """The listening server, on loopback only.

    Parameters
    ----------
    port
        Port to listen on; 0 for any free one.
    hq
        What it serves.
    answer
        Makes the answer to a request.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, hq: HQ, answer: Callable[[Request], Response]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.hq = hq
        self.answer = answer
        self.zipped = Zipped()
        self._connections: set[socket.socket] = set()
        self._to_reset: set[socket.socket] = set()
        self._lock = threading.Lock()

    def reset(self, connection: socket.socket) -> None:
        """Have a connection end with a reset, not with a proper close."""
        with self._lock:
            self._to_reset.add(connection)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as the base class
        """Remember the connection, so that `close` can end it."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  as the base class
        """End a connection."""
        with self._lock:
            self._connections.discard(request)
            broken = request in self._to_reset
            self._to_reset.discard(request)
        if broken:
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.close()
        else:
            super().shutdown_request(request)

    def close(self) -> None:
        """Stop listening and end all connections, idle ones too."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as the base class
        """Say nothing of clients that hang up."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        begun = time.perf_counter()
        hq = self.server.hq
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        params = Params.parse(target.query)
        request = Request(hq, self.command, unquote(target.path), params, self.headers, body)
        response = self._zipped(self.server.answer(request))
        if response.delivery is not Delivery.RESET:
            latency = hq.faults.latency_per_request + hq.faults.latency_per_record * response.records
            time.sleep(max(0.0, latency + response.delay - (time.perf_counter() - begun)))
        if not request.path.startswith("/_sandbox/"):
            status = None if response.delivery is Delivery.RESET else response.status
            hq.log.append(Asked(request.method, request.path, params.pairs, status, request.username))
        self._send(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815  as the base class

    def _zipped(self, response: Response) -> Response:
        worth_it = len(response.body) > WORTH_ZIPPING and not response.content_type.startswith(MEDIA)
        if not worth_it or "gzip" not in self.headers.get("Accept-Encoding", ""):
            return response
        body = self.server.zipped.of(response.body)
        return replace(response, body=body, headers={**response.headers, "Content-Encoding": "gzip"})

    def _send(self, response: Response) -> None:
        if response.delivery is Delivery.RESET:
            self.server.reset(self.connection)
            self.close_connection = True
            return
        body = response.body
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("HTTP_X_OPENROSA_VERSION", "1.0")
        self.send_header("Vary", "Accept-Encoding")
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.delivery is Delivery.UNFINISHED_CHUNKS:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if response.delivery is not Delivery.WHOLE:
            body = body[: len(body) // 2]
            self.close_connection = True
        if response.delivery is Delivery.UNFINISHED_CHUNKS:
            body = b"%x\r\n%b\r\n" % (len(body), body)
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the server's own time, for the ``Date`` header."""
        return self.server.hq.clock.http_date() if timestamp is None else super().date_time_string(timestamp)

    def version_string(self) -> str:
        """Return the ``Server`` header."""
        return "commcare-frames-sandbox"

    def log_message(self, *_: object) -> None:
        """Keep quiet: the sandbox has a log of its own."""
