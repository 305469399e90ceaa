"""What the server answers, and what it tells over the socket, with a desk that only holds a state."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

from obverse.problems import Problem
from obverse.serve import Beside, Mount
from obverse.serve.handlers import Client
from obverse.serve.server import Server
from obverse.serve.state import State
from obverse.serve.wire import Outcome
from tests.serving import until

PAGE = "<!doctype html><html><head></head><body>hello</body></html>"
JSON = '{"html": "</head></body>"}'


class StillDesk:
    """A desk at which nothing happens unless a test makes it."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.state = State("s").after(Outcome())
        self.clients: set[Client] = set()

    async def first_build(self) -> None:
        return

    def join(self, client: Client) -> None:
        self.clients.add(client)

    def leave(self, client: Client) -> None:
        self.clients.discard(client)

    def hear(self, outcome: Outcome) -> None:
        before, self.state = self.state, self.state.after(outcome)
        for client in tuple(self.clients):
            client.tell(self.state, changed=before.build != self.state.build)


class Browser:
    """Asks one server."""

    def __init__(self, desk: StillDesk, port: int) -> None:
        self.desk = desk
        self.port = port
        self.opened: list[WebSocketClientConnection] = []

    async def get(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> HTTPResponse:
        request = HTTPRequest(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            body=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            follow_redirects=False,
            decompress_response=False,
        )
        return await AsyncHTTPClient().fetch(request, raise_error=False)

    async def socket(self, *hello: str) -> WebSocketClientConnection:
        headers = {"Origin": f"http://127.0.0.1:{self.port}"}
        opened = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{self.port}/livereload", headers=headers))
        self.opened.append(opened)
        for message in hello:
            await opened.write_message(message)
        return opened


def hello(*protocols: str) -> tuple[str, str]:
    return json.dumps({"command": "hello", "protocols": protocols}), json.dumps({"command": "info", "url": "x"})


OWN = hello("http://livereload.com/protocols/official-7", "obverse")
FOREIGN = hello("http://livereload.com/protocols/official-7")


async def heard(opened: WebSocketClientConnection, seconds: float = 5) -> Any:
    message = await asyncio.wait_for(opened.read_message(), seconds)
    return None if message is None else json.loads(message)


async def soon(what: Callable[[], Any]) -> None:
    await asyncio.to_thread(until, what)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    files = {
        "index.html": PAGE,
        "about/index.html": PAGE,
        "grün/index.html": PAGE,
        "404.html": "<body>not here</body>",
        "feed.json": JSON,
        "feed.xml": "<feed></feed>",
        "a.txt": "0123456789",
        "a.svg": "<svg></svg>",
        ".ledger": "private",
    }
    for name, text in files.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(text)
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "out"


def ask(out: Path, asking: Callable[[Browser], Awaitable[None]], *mounts: Mount, host: str = "127.0.0.1") -> None:
    async def go() -> None:
        desk = StillDesk(out)
        server = Server(desk, host, Beside(mounts))
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        server.listen([listening])
        browser = Browser(desk, listening.getsockname()[1])
        try:
            await asking(browser)
        finally:
            for opened in browser.opened:
                opened.close()
            await soon(lambda: not desk.clients)
            await server.close()

    asyncio.run(go())


def test_pages_get_the_live_script_and_the_site_s_headers(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        answer = await browser.get("/")
        assert answer.code == 200
        assert answer.body.decode().startswith("<!doctype html><html><head></head><body>hello<script type=")
        assert 'src="/_ob/live.js" data-build="s-1"' in answer.body.decode()
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert f"connect-src 'self' ws://127.0.0.1:{browser.port};" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Etag" not in answer.headers
        head = await browser.get("/", "HEAD")
        assert head.headers["Content-Length"] == str(len(answer.body))
        assert head.body == b""

    ask(out, asking)


def test_nothing_but_pages_is_touched(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        for path, kind in (
            ("/feed.json", "application/json"),
            ("/feed.xml", "application/xml; charset=utf-8"),
            ("/a.txt", "text/plain; charset=utf-8"),
            ("/a.svg", "image/svg+xml"),
        ):
            answer = await browser.get(path)
            assert answer.code == 200
            assert answer.body == (out / path[1:]).read_bytes()
            assert answer.headers["Content-Type"] == kind
            assert answer.headers["Cache-Control"] == "no-store"

    ask(out, asking)


def test_a_folder_s_address_has_a_slash(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        moved = await browser.get("/about?from=mail&x=1")
        assert (moved.code, moved.headers["Location"]) == (301, "/about/?from=mail&x=1")
        assert (await browser.get("/about/")).code == 200
        assert (await browser.get("/gr%C3%BCn")).headers["Location"] == "/gr%C3%BCn/"
        assert (await browser.get("/gr%C3%BCn/")).code == 200

    ask(out, asking)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/nothing/",
        "/.ledger",
        "//evil.example",
        "//about",
        "/a%00b",
        "/a.txt/",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
    ],
)
def test_what_is_not_there_is_the_site_s_own_404(out: Path, path: str) -> None:
    async def asking(browser: Browser) -> None:
        answer = await browser.get(path)
        assert answer.code == 404
        assert answer.body.startswith(b"<body>not here<script")
        (out / "404.html").unlink()
        assert b"there is no such page" in (await browser.get(path)).body

    ask(out, asking)


def test_a_link_out_of_the_preview_is_not_followed(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        (out / "link.txt").symlink_to(out.parent / "secret.txt")
        answer = await browser.get("/link.txt")
        assert (answer.code, answer.body) == (403, b"403 forbidden\n")

    ask(out, asking)


def test_a_part_of_a_file_can_be_had(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        answer = await browser.get("/a.txt", Range="bytes=2-4")
        assert (answer.code, answer.body, answer.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
        assert (await browser.get("/a.txt", Range="bytes=99-")).code == 416

    ask(out, asking)


def test_the_browser_is_never_told_that_it_has_it_already(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        for path in ("/a.txt", "/", "/_ob/live.js"):
            answer = await browser.get(path, If_Modified_Since="Sun, 01 Jan 2090 00:00:00 GMT", If_None_Match="*")
            assert answer.code == 200

    ask(out, asking)


def test_the_preview_is_read_only(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        answer = await browser.get("/", "POST", b"x=1")
        assert (answer.code, answer.body) == (405, b"405 method not allowed\n")

    ask(out, asking)


def test_a_name_that_somebody_else_pointed_here_is_refused(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        for path in ("/", "/_ob/problems.json", "/_ob/live.js", "/livereload.js", "/form/x"):
            answer = await browser.get(path, Host="evil.example")
            assert answer.code == 403
            assert b"--host" in answer.body
        assert (await browser.get("/", Host="desk.lan:80")).code == 200
        assert (await browser.get("/", Host="localhost")).code == 200

    ask(out, asking, ("/form/", echo), host="desk.lan")


def test_the_script_s_own_files_are_served(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        for name, kind in (
            ("live.js", "text/javascript"),
            ("overlay.js", "text/javascript"),
            ("overlay.css", "text/css"),
        ):
            answer = await browser.get(f"/_ob/{name}")
            assert answer.code == 200
            assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert (await browser.get("/_ob/live_js")).code == 404
        assert (await browser.get("/livereload.js")).code == 200
        state = json.loads((await browser.get("/_ob/problems.json")).body)
        assert (state["build"], state["blocked"], state["problems"]) == ("s-1", False, [])

    ask(out, asking)


def test_every_address_shows_the_problems_while_there_is_no_preview(tmp_path: Path) -> None:
    async def asking(browser: Browser) -> None:
        browser.desk.hear(Outcome(problems=(Problem("broken", "content/a.md", "it is <wrong>", 3),), blocked=True))
        for path in ("/", "/any/where/", "/app.css"):
            answer = await browser.get(path)
            assert answer.code == 503
            assert b"content/a.md:3 error: it is &lt;wrong&gt;" in answer.body

    ask(tmp_path / "nothing", asking)


def test_an_open_page_is_told_where_it_stands_and_what_becomes_of_it(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        opened = await browser.socket(*OWN)
        assert (await heard(opened))["command"] == "hello"
        assert (await heard(opened))["build"] == "s-1"
        browser.desk.hear(Outcome(written=("index.html",)))
        message = await heard(opened)
        assert (message["command"], message["build"], message["since"]) == ("reload", "s-2", "s-1")
        browser.desk.hear(Outcome(problems=(Problem("broken", "a.md", "no"),), blocked=True))
        message = await heard(opened)
        assert (message["command"], message["blocked"], message["build"]) == ("obverse", True, "s-2")
        opened.close()
        await soon(lambda: not browser.desk.clients)

    ask(out, asking)


def test_a_client_that_only_knows_livereload_hears_only_that_the_page_changed(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        opened = await browser.socket(*FOREIGN)
        assert (await heard(opened))["protocols"] == ["http://livereload.com/protocols/official-7"]
        await soon(lambda: browser.desk.clients)
        browser.desk.hear(Outcome(problems=(Problem("broken", "a.md", "no"),), blocked=True))
        browser.desk.hear(Outcome(written=("index.html",)))
        message = await heard(opened)
        assert (message["command"], message["path"], message["liveCSS"]) == ("reload", "/", True)
        opened.close()

    ask(out, asking)


def test_what_is_not_the_protocol_is_not_answered(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        opened = await browser.socket("{", "[]", "7", '{"command": "hello"}', '{"command": "format c:"}', *OWN)
        assert (await heard(opened))["command"] == "hello"
        opened.close()

    ask(out, asking)


def test_a_page_of_another_site_cannot_listen(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        answer = await browser.get("/livereload", Origin="http://evil.example", **upgrade, **key)
        assert answer.code == 403

    ask(out, asking)


def test_a_client_that_has_gone_is_forgotten(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        opened = await browser.socket(*OWN)
        await heard(opened)
        await heard(opened)
        (client,) = browser.desk.clients
        client.ws_connection = None  # type: ignore[attr-defined]
        browser.desk.hear(Outcome(written=("index.html",)))
        assert browser.desk.clients == set()

    ask(out, asking)


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"].endswith("slow"):
        time.sleep(0.5)
    if environ["PATH_INFO"].endswith("broken"):
        raise RuntimeError("no")
    start_response("201 Created", [("Content-Type", "text/html"), ("X-Own", "yes")])
    said = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ['QUERY_STRING']} "
    return [said.encode(), environ["wsgi.input"].read(), b"<body></body>"]


def test_an_application_is_mounted_beside_the_preview(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def asking(browser: Browser) -> None:
        answer = await browser.get("/_ob/f/contact?x=1", "POST", b"name=Anna")
        assert answer.code == 201
        assert answer.body == b"POST /_ob/f/contact x=1 name=Anna<body></body>"
        assert answer.headers["X-Own"] == "yes"
        assert (await browser.get("/_ob/live.js")).headers["Content-Type"].startswith("text/javascript")
        assert (await browser.get("/inbox")).headers["Location"] == "/inbox/"
        assert (await browser.get("/")).code == 200
        broken = await browser.get("/inbox/broken")
        assert (broken.code, broken.body) == (500, b"500 the application behind this address failed\n")

    ask(out, asking, ("/_ob/", echo), ("/inbox/", echo))
    assert capsys.readouterr().out == "/inbox/broken: RuntimeError: no\n"


def test_a_slow_application_holds_up_nobody(out: Path) -> None:
    async def asking(browser: Browser) -> None:
        slow = asyncio.ensure_future(browser.get("/inbox/slow"))
        began = time.monotonic()
        await browser.get("/")
        assert time.monotonic() - began < 0.4
        assert not slow.done()
        assert (await slow).code == 201

    ask(out, asking, ("/inbox/", echo))
