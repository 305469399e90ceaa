"""A preview server as a person runs it, in its own process, for tests to talk to."""

from __future__ import annotations

import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

FAKE = "tests.fake_builder:build"
REPOSITORY = Path(__file__).resolve().parent.parent
START = """
import sys
from pathlib import Path
from obverse.serve import ServeOptions, serve
port = int(sys.argv[2]) if sys.argv[2] else None
sys.exit(serve(ServeOptions(Path(sys.argv[1]), port=port, builder=sys.argv[3], open_browser="open" in sys.argv)))
"""


@dataclass
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Served:
    root: Path
    process: subprocess.Popen[str]
    address: str = ""
    lines: list[str] = field(default_factory=list)

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        request = urllib.request.Request(self.address + path, method=method)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with OPENER.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Answer(answer.code, answer.headers, answer.read())

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.get("/_ob/problems.json").body))

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def said(self) -> str:
        return "\n".join(self.lines)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(_Stay())


def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is so, and say what it was; fails when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it never was so")


def served(root: Path, builder: str = FAKE, port: int | None = 0, *more: str) -> AbstractContextManager[Served]:
    """A server over `root`, its first build behind it. It is ended as Ctrl-C ends it."""
    return _running(root, ["-c", START, str(root), "" if port is None else str(port), builder, *more])


def commanded(root: Path) -> AbstractContextManager[Served]:
    """`obverse serve` over `root` with all that the command serves beside the preview, on a free port."""
    return _running(root, ["-m", "obverse", "serve", "--root", str(root), "--port", "0"])


@contextmanager
def _running(root: Path, arguments: list[str]) -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    one = Served(root, process)
    told: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(one, told), daemon=True)
    reader.start()
    try:
        while not (found := re.search(r"http://\S+?(?=/ )", told.get(timeout=20))):
            pass
        one.address = found[0]
        until(lambda: one.state["serial"])
        yield one
    except BaseException:
        print(one.said())
        raise
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        reader.join(5)
        assert process.stdout
        process.stdout.close()


def _read(one: Served, told: queue.Queue[str]) -> None:
    assert one.process.stdout
    for line in one.process.stdout:
        one.lines.append(line.rstrip("\n"))
        told.put(line)
