"""A server on 127.0.0.1 that hands out one file and can misbehave as real servers and connections do."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Plan:
    """What the server does, request after request."""

    content: bytes
    break_after: list[int | None] = field(default_factory=list)
    """Bytes after which each next connection is cut; None lets it finish."""
    stall_after: list[int] = field(default_factory=list)
    """Bytes after which each next connection falls silent, until `release` is set."""
    release: threading.Event = field(default_factory=threading.Event)
    ranges: bool = True
    announce: bool = True
    status: int = 200
    extra: bytes = b""
    redirect: str = ""
    wrong_range: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header of every request."""


def _handler(plan: Plan) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing: the tests read `plan.asked`."""

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            plan.asked.append((self.path, wanted))
            if plan.redirect and not self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", plan.redirect)
                self.end_headers()
                return
            if plan.status != 200:
                self.send_error(plan.status)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and plan.ranges else 0
            if start and start >= len(plan.content):
                self.send_error(416)
                return
            body = plan.content[start:] + plan.extra
            self.send_response(206 if start else 200)
            if start:
                shown = start + 1 if plan.wrong_range else start
                self.send_header("Content-Range", f"bytes {shown}-{len(plan.content) - 1}/{len(plan.content)}")
            if plan.announce:
                self.send_header("Content-Length", str(len(plan.content) - start))
            self.end_headers()
            if plan.stall_after:
                self.wfile.write(body[: plan.stall_after.pop(0)])
                plan.release.wait()
                return
            cut = plan.break_after.pop(0) if plan.break_after else None
            self.wfile.write(body if cut is None else body[:cut])

    return Handler


@contextmanager
def serve(plan: Plan, certificate: Path | None = None) -> Iterator[str]:
    """Address of a running server; with a certificate (key and certificate in one file) it speaks https."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(plan))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
