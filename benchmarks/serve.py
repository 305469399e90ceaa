"""Serve: a save -> the milliseconds until the page's new bytes are on disk, and until the open page is told.

    python -m benchmarks.serve --n 1000 [--saves 20] [--json FILE]

`obverse serve` and `hugo server`, which writes to disk too, run beside each other on the same articles; saves go to one
and the other in turn, each into another article, which is then read from disk until the new words are in it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tornado.websocket import WebSocketClientConnection, websocket_connect

from benchmarks import corpus
from benchmarks.measuring import FailedError, environment, machine, tree
from benchmarks.peering import MissingError, cache
from benchmarks.sites import make
from benchmarks.targets import COMMONMARK, OURS, verdict

PATIENCE = 20.0
PAUSE = 0.4
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Saved:
    """Seconds from a save to the disk and to the reload, and the CPU all processes of the server took for it."""

    disk: float
    reload: float
    cpu: float


@dataclass(slots=True)
class Server:
    """A server that runs, the folder it writes to, and the socket of a page that is open in it."""

    name: str
    folder: Path
    out: Path
    count: int
    process: subprocess.Popen[bytes]
    socket: WebSocketClientConnection
    saves: int = 0

    def cpu(self) -> float:
        """Seconds of CPU all its processes have taken, those that ended included."""
        return sum(map(_cpu, tree(self.process.pid)))

    async def save(self) -> Saved:
        """Save an article that was not saved before, and wait for the disk and for the reload."""
        self.saves += 1
        number = (self.count // 3 + self.saves * 11) % self.count
        path, words = corpus.path_of(self.folder, number), f"Saved as number {self.saves}."
        text, page = f"{path.read_text('utf-8')}\n{words}\n", self.out / "articles" / corpus.slug(number) / "index.html"
        before = self.cpu()
        told = asyncio.ensure_future(self._told())
        began = time.perf_counter()
        path.write_text(text, "utf-8")
        while words not in _read(page):
            if time.perf_counter() - began > PATIENCE:
                raise FailedError(f"{self.name} did not write {page.name} within {PATIENCE:g} s")
            await asyncio.sleep(0.001)
        disk = time.perf_counter() - began
        reload = await asyncio.wait_for(told, PATIENCE) - began
        if words not in _read(page):
            raise FailedError(f"{self.name}: the page was gone again when it was to be reloaded")
        await asyncio.sleep(PAUSE)
        return Saved(disk, reload, self.cpu() - before)

    async def _told(self) -> float:
        while True:
            message = await self.socket.read_message()
            if message is None:
                raise FailedError(f"{self.name} closed its socket")
            if json.loads(message).get("command") == "reload":
                return time.perf_counter()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.asynccontextmanager
async def running(
    name: str, command: list[str], folder: Path, out: str, count: int, variables: dict[str, str]
) -> AsyncIterator[Server]:
    """A server with its first build behind it and a page open; ended as Ctrl-C ends it."""
    port = _port()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: ASYNC220  # nothing else is to be done meanwhile
            [*command, "--port", str(port)], cwd=folder, env=variables, stdout=said, stderr=said
        )
        try:
            await _answers(process, port, folder / out / "articles" / corpus.slug(0) / "index.html")
            client = await websocket_connect(f"ws://127.0.0.1:{port}/livereload")
            hello = {"command": "hello", "protocols": ["http://livereload.com/protocols/official-7", "obverse"]}
            await client.write_message(json.dumps(hello, separators=(",", ":")))  # Hugo looks for these very bytes
            await asyncio.wait_for(client.read_message(), PATIENCE)
            url = f"http://127.0.0.1:{port}/articles/{corpus.slug(0)}/"
            await client.write_message(json.dumps({"command": "info", "url": url}))
            yield Server(name, folder, folder / out, count, process, client)
            client.close()
        except FailedError as error:
            said.seek(0)
            raise FailedError(f"{error}\n{said.read().decode(errors='replace')[-2000:]}") from error
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


async def _answers(process: subprocess.Popen[bytes], port: int, page: Path) -> None:
    end = time.monotonic() + 600
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            if page.exists():  # noqa: ASYNC240  # as above
                url = f"http://127.0.0.1:{port}/articles/{page.parent.name}/"
                await asyncio.to_thread(urllib.request.urlopen, url, timeout=5)
                await asyncio.sleep(2)
                return
        await asyncio.sleep(0.2)
    raise FailedError("the server did not come up")


async def measure(asked: argparse.Namespace, work: Path) -> dict[str, list[Saved]]:
    """All saves, in turn; a few that are not counted come first."""
    names = [OURS, COMMONMARK, "hugo"] if asked.commonmark else [OURS, "hugo"]
    results: dict[str, list[Saved]] = {}
    async with contextlib.AsyncExitStack() as stack:
        servers = []
        for site in make(names, asked.n, work, asked.peers_folder):
            if site.tool.name == "hugo":
                command, out = [*site.tool.command, "server", "--bind", "127.0.0.1"], "public"
            else:
                command, out = [*site.tool.command[:-1], "serve"], ".obverse/preview"
            variables = environment(**site.tool.variables)
            one = running(site.tool.name, command, site.folder, out, asked.n, variables)
            servers.append(await stack.enter_async_context(one))
        for number in range(asked.saves + 2):
            for server in servers:
                saved = await server.save()
                if number >= 2:
                    results.setdefault(server.name, []).append(saved)
    return results


def table(results: dict[str, list[Saved]], count: int) -> str:
    """A line for each server and moment: median, ninth tenth, most, and the ratio beside its target."""
    lines = []
    for scenario, key in (("save to disk", "disk"), ("save to reload", "reload"), ("CPU of a save", "cpu")):
        values = {name: sorted(1000 * getattr(one, key) for one in some) for name, some in results.items()}
        medians = {name: statistics.median(some) for name, some in values.items()}
        for name, some in values.items():
            peer, ratio, words = verdict(scenario, name, count, medians)
            beside = f"{ratio:7.3f} of {peer:<8}{words}" if ratio is not None else ""
            late = some[int(len(some) * 0.9)]
            lines.append(
                f"{scenario:<16}{name:<20}{medians[name]:>8.0f}{late:>8.0f}{some[-1]:>8.0f}  {beside}".rstrip()
            )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.serve", description="From a save to the page, ours beside Hugo's."
    )
    parser.add_argument("--n", type=int, default=1000, help="how many articles")
    parser.add_argument("--saves", type=int, default=20, help="how often each is saved")
    parser.add_argument("--commonmark", action="store_true", help="our other engine too")
    parser.add_argument("--peers-folder", type=Path, default=cache(), help="where peers are installed")
    parser.add_argument("--json", type=Path, help="write all figures to this file too")
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="obverse-serve-") as work:
            results = asyncio.run(measure(asked, Path(work)))
    except (FailedError, MissingError, TimeoutError) as error:
        print(str(error) or "a save was not told within a minute", file=sys.stderr)
        return 1
    print(machine())
    print(f"{asked.n} articles, {asked.saves} saves each in turn; milliseconds: median, ninth tenth, most\n")
    print(table(results, asked.n))
    if asked.json:
        asked.json.write_text(
            json.dumps({name: [asdict(one) for one in some] for name, some in results.items()}), "utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
