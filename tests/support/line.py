"""A line between a browser and a server that can be cut and mended, as a classroom's network is."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

CHUNK_BYTES = 1 << 16


class Line:
    """Passes connections on to a server of this computer; a context manager.

    Parameters
    ----------
    target : str
        Address of the server, such as "http://127.0.0.1:8501".

    Attributes
    ----------
    url : str
        Where a browser finds the server through this line.
    swallowed : threading.Event
        Whether a browser has sent something since `deafen`.
    """

    def __init__(self, target: str) -> None:
        self._target = (urlsplit(target).hostname, urlsplit(target).port)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._whole = True
        self._deaf, self.swallowed = False, threading.Event()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._door.close()

    def cut(self) -> None:
        """End every connection; new ones end at once."""
        with self._lock:
            self._whole = False
            cut, self._open = self._open, set()
        for one in cut:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def deafen(self) -> None:
        """From now on nothing that the browser sends arrives, which it does not know: the line is about to break."""
        self.swallowed.clear()
        self._deaf = True

    def mend(self) -> None:
        """Let new connections through."""
        with self._lock:
            self._whole, self._deaf = True, False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return  # the line is taken down
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            with self._lock:
                whole = self._whole
                if whole:
                    self._open |= {near, far}
            if not whole:
                near.close()
                far.close()
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink, source is near), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, of_browser: bool) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                if of_browser and self._deaf:
                    self.swallowed.set()
                else:
                    sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        with self._lock:
            self._open -= {source, sink}
