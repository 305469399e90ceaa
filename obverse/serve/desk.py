"""The desk: saves, builds and open pages brought together. A save asks for a build; its outcome is told to all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from obverse.bundled import bundled
from obverse.config import PATH, Serve, load
from obverse.problems import Problem, as_text, tally
from obverse.serve import ServeOptions
from obverse.serve.alarm import Alarm
from obverse.serve.builder import Builder, Post
from obverse.serve.handlers import Client
from obverse.serve.hosts import TRIES, NotListening, listening, origin
from obverse.serve.preview import File, find
from obverse.serve.server import Server
from obverse.serve.state import State
from obverse.serve.watch import Watcher
from obverse.serve.wire import Order, Outcome

PREVIEW = ".obverse/preview"
WAIT = 5.0  # seconds a request waits for the first build before it is shown what there is
COARSE = 0.02  # seconds by which a file's time may lie before the moment it was written


class Desk:
    """What is known of the preview, who looks at it, and the builder that writes it. Lives on the event loop."""

    def __init__(self, order: Order, loop: asyncio.AbstractEventLoop, instance: str) -> None:
        """`instance` names this server apart from others that served, or will serve, the same pages."""
        self.out = Path(order.out)
        self.state = State(instance)
        self._root = order.root
        self._hooks = str(Path(order.root) / "hooks.py")
        self._post = _posting(loop)
        self._builder = Builder(order, self.heard, self._post)
        self._alarm = Alarm(self._builder.ask, lambda: datetime.now(UTC), loop.call_later)
        self._saved: frozenset[str] = frozenset()
        self._passed_over = False
        self._first = asyncio.Event()
        self._clients: set[Client] = set()

    def saved(self, paths: frozenset[str]) -> None:
        """Files of the site have changed. May be called on any thread."""
        self._post(self._ask, paths)

    def _ask(self, paths: frozenset[str]) -> None:
        self._saved = paths
        # What hooks.py has imported stays imported as long as its process lives.
        self._builder.ask(afresh=self._hooks in paths, first=self._in_view())

    def _in_view(self) -> tuple[str, ...]:
        """The files of the preview that open pages show."""
        found = {find(self.out, client.path) for client in self._clients}
        return tuple(sorted(one.name for one in found if isinstance(one, File)))

    def heard(self, outcome: Outcome) -> None:
        """A build has ended: its bytes are on disk. Say so in the terminal and in every open page."""
        self._passed_over = not self._passed_over and self._is_of_half_a_save(outcome)
        if self._passed_over:
            self._builder.ask()
            return
        before, self.state = self.state, self.state.after(outcome)
        for line in lines(outcome, before.problems):
            say(line)
        self._first.set()
        if not outcome.crashed:  # a crash does not know when the site is due
            self._alarm.set(outcome.next_due)
        changed = self.state.build != before.build and bool(self.state.changed)
        for client in tuple(self._clients):
            client.tell(self.state, changed=changed)

    def _is_of_half_a_save(self, outcome: Outcome) -> bool:
        """Whether files were written while a build read them that came to nothing.

        An editor that empties a file and fills it again leaves nothing in it for a moment, and a build that was under
        way may look just then. Its problems would flash up over the page; a build of the whole file says what is true.
        """
        if not outcome.blocked or outcome.crashed:
            return False
        began = time.time() - outcome.seconds - COARSE
        named = {os.path.join(self._root, one.path) for one in outcome.problems}
        return any(_written(path) >= began for path in self._saved | named)

    async def first_build(self) -> None:
        """Wait for the first build, but not for ever: a large site's takes its time, and the last preview is there."""
        if not self._first.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._first.wait(), WAIT)

    def join(self, client: Client) -> None:
        """A page was opened."""
        self._clients.add(client)

    def leave(self, client: Client) -> None:
        """It was closed."""
        self._clients.discard(client)

    def close(self) -> None:
        """End the builder."""
        self._builder.close()


def run(options: ServeOptions) -> int:
    """Serve a site until Ctrl-C or SIGTERM. Returns the exit code."""
    root = options.root.resolve()
    settings = _settings(root)
    host = options.host or settings.host
    try:
        if options.port is None:
            sockets, port = listening(host, settings.port, TRIES)
        else:
            sockets, port = listening(host, options.port)
    except NotListening as refusal:
        say(as_text([refusal.problem]))
        return 1
    if options.port is None and port != settings.port:
        say(f"port {settings.port} is taken: this is {port}")
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)  # the terminal is for builds, not for requests
    with contextlib.suppress(KeyboardInterrupt):  # where an event loop cannot be told of signals
        asyncio.run(_serve(replace(options, root=root, host=host, port=port), sockets))
    return 0


def lines(outcome: Outcome, known: tuple[Problem, ...]) -> Iterator[str]:
    """What a build's outcome says in the terminal. Problems that stand there already are only counted."""
    if outcome.problems and outcome.problems != known:
        yield as_text(outcome.problems)
    if outcome.blocked:
        yield f"{tally(outcome.problems)}: the preview stays as it was"
        return
    removed = f", removed {len(outcome.removed)}" if outcome.removed else ""
    counted = f" ({tally(outcome.problems)})" if outcome.problems else ""
    yield f"built {len(outcome.written)} of {outcome.total} files{removed} in {outcome.seconds:.2f} s{counted}"


def _written(path: str) -> float:
    """When a file was last written, in seconds; 0 when there is none."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def say(line: str) -> None:
    """A line for the terminal, at once."""
    print(line, flush=True)


async def _serve(options: ServeOptions, sockets: list[socket.socket]) -> None:
    loop, host, port = asyncio.get_running_loop(), options.host or "", options.port or 0
    address = origin(host, port)
    order = Order(str(options.root), str(options.root / PREVIEW), address, options.builder)
    with contextlib.closing(Desk(order, loop, secrets.token_hex(4))) as desk:
        say(f"Obverse serves {address}/ – press Ctrl-C to stop")
        stopped = _stopping(loop)
        watcher = Watcher(options.root, _bundled_trees(), desk.saved)
        watcher.start()
        # What is served beside may take its time to load: the first build need not wait for it.
        beside = await loop.run_in_executor(None, options.beside, address)
        for line in beside.lines:
            say(line)
        server = Server(desk, host, beside)
        server.listen(sockets)
        if options.open_browser:
            await desk.first_build()
            threading.Thread(target=webbrowser.open, args=(f"{address}/",), daemon=True).start()
        await stopped.wait()
        watcher.stop()
        await server.close()
        beside.close()


def _settings(root: Path) -> Serve:
    """`[serve]` of the site's settings. What is wrong with them the builder tells."""
    try:
        return load((root / PATH).read_text(encoding="utf-8"))[0].serve
    except (OSError, UnicodeDecodeError):
        return Serve()


def _stopping(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C is a KeyboardInterrupt there
            loop.add_signal_handler(number, stopped.set)
    return stopped


def _posting(loop: asyncio.AbstractEventLoop) -> Post:
    def post(call: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: there is nobody left to tell
            loop.call_soon_threadsafe(call, *arguments)

    return post


def _bundled_trees() -> tuple[Path, ...]:
    """The default theme, where it may be worked on: in the repository, not in an installed package."""
    theme = bundled("templates")
    return () if theme.parent.name == "_bundled" else (theme,)
