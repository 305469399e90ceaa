"""The inbox as somebody of the house has it: a demo house, its application, a session, and a server for browsers."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server

from capture.access.sessions import begin, cookie_name
from capture.app import create_app
from capture.house import House
from tests.capture.demo import NOW, demo_house
from tests.capture.house import Clock


@dataclass(frozen=True)
class Room:
    """One house with somebody logged in. `secret` is what their cookie holds."""

    house: House
    app: Flask
    secret: str
    token: str  # what forms carry

    @property
    def cookie(self) -> str:
        return cookie_name(self.house.setup)

    @property
    def clock(self) -> Clock:
        assert isinstance(self.house.now, Clock)
        return self.house.now

    def client(self) -> FlaskClient:
        """A browser without scripts that is logged in."""
        client = self.app.test_client()
        client.set_cookie(self.cookie, self.secret, domain="localhost")
        return client


@contextmanager
def room(
    folder: Path, url: str = "", *, filled: bool = True, like: Path | None = None, who: str = "ida"
) -> Iterator[Room]:
    """A house with Ida at her desk; closed at the end. `like` is the folder of a closed one to begin with."""
    if like:
        shutil.copytree(like, folder, dirs_exist_ok=True)
    house = demo_house(folder, url, filled=filled and not like, first=10**6 if like else 1)
    try:
        with house.database.write() as connection:
            secret = begin(connection, who, NOW, house.token)
        app = create_app(house)
        yield Room(house, app, secret, token_of(house))
    finally:
        house.database.close()


def token_of(house: House) -> str:
    """The CSRF token of the one session there is."""
    with house.database.read() as connection:
        return str(connection.exec_driver_sql("SELECT csrf FROM sessions ORDER BY id").scalar_one())


class Quiet(WSGIRequestHandler):
    """A server that does not tell of each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of the application on this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
