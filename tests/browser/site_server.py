"""A built folder -> a host on loopback, as a good one serves it: the site's headers, gzip, 404.html, assets kept."""

import gzip
import mimetypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obverse.security import HEADERS

# A request with this header gets everything but pages late, by that many milliseconds: what moves when a picture
# arrives moves visibly.
LATE = "X-Late"
KEPT = "public, max-age=31536000, immutable"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".xml": "application/xml; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
SMALLER = (".html", ".css", ".js", ".svg", ".xml", ".json", ".txt")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        file = self.folder / path.lstrip("/")
        file = file / "index.html" if path.endswith("/") else file
        if file.is_file():
            self.answer(200, file)
        elif (file / "index.html").is_file():
            self.redirect(path + "/")
        else:
            self.answer(404, self.folder / "404.html")

    def redirect(self, to: str) -> None:
        self.send_response(301)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, status: int, file: Path) -> None:
        if file.suffix != ".html":
            time.sleep(int(self.headers.get(LATE, 0)) / 1000)
        body = file.read_bytes()
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", TYPES.get(file.suffix) or mimetypes.guess_type(file)[0] or "text/plain")
        self.send_header("Cache-Control", KEPT if "assets" in file.parts else "no-cache")
        if file.suffix in SMALLER and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what was asked is seen from the browser's side."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves in the middle of an answer is no news."""


@contextmanager
def site_served(folder: Path) -> Iterator[str]:
    """The address, without a slash at its end, at which a folder is served."""
    server = Server(("127.0.0.1", 0), type("Handler", (Handler,), {"folder": folder}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
