"""A prepared house and a socket -> a running process: it serves, publishes and delivers until it is told to end."""

from __future__ import annotations

import contextlib
import gc
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from types import FrameType

from capture.app import create_app
from capture.outbox.worker import Worker
from capture.run.deliverer import LAST_DELIVERY, Deliverer
from capture.run.front import Front, note_routes
from capture.run.log import Log
from capture.run.nightly import Nightly
from capture.run.options import RunOptions
from capture.run.preparation import Prepared
from capture.run.publisher import Job, Outcome, Publisher
from capture.run.server import Server, make_server
from capture.run.static import Static
from capture.watch.rounds import hear_of_build, rounds
from capture.watch.watcher import Watcher
from obverse.problems import Problem

_FIRST_BUILD = 10.0  # seconds that a site which was never built may hold up the start
_MADE = 10_000  # objects that are made before it is looked which of them hold only one another
_FILES = 4096  # open files: connections, databases, pages being sent


class Process:
    """One process. Its parts are made here and started by `begin`."""

    def __init__(self, options: RunOptions, prepared: Prepared, log: Log, deliverer: Deliverer | None = None) -> None:
        self._options = options
        self._prepared = prepared
        self._log = log
        self._signals = 0
        self._server: Server | None = None
        self._worker = deliverer or Worker(prepared.house)
        self._house = replace(prepared.house, wake=self._worker.wake)
        job = Job(options.build, options.ledger)
        self._nightly = Nightly(options.nightly, log, self._house.now)
        self._watcher: Watcher | None = None
        self._publisher = Publisher(job, log, self._house.now, self._look_again) if options.build else None

    def first_build(self) -> tuple[Problem, ...]:
        """Begin to publish, wait a little for a site that has never been built, and say what is still to be set."""
        if self._publisher:
            self._publisher.start()
            if not self._house.releases.current().settings.title:
                self._publisher.wait_for_first(_FIRST_BUILD)
        return self._prepared.demands()

    def serve(self, made: socket.socket) -> int:
        """Answer, publish and deliver until a signal says to end; then finish what has begun. Returns the exit code."""
        _allow_files()
        self._server = make_server(self._front(), made, proxies=self._house.setup.proxies)
        self._deliver()
        self._nightly.start()
        host, port = made.getsockname()[:2]
        self._watcher = Watcher(rounds(self._house, (host, port), f"{socket.gethostname()}:{port}"), self._house.now)
        self._watcher.start()
        with self._listening_to_signals():
            self._log.tell("start", host=host, port=port, address=self._house.setup.address)
            _keep_for_good()
            self._server.serve(lambda: self._signals > 0)
            return self._drained(self._server)

    def close(self) -> None:
        """End what may still be running, and give the database back."""
        self._nightly.stop(2.0)
        if self._watcher:
            self._watcher.stop(2.0)
        if self._publisher:
            self._publisher.stop(0 if self._hurried() else 2.0)
        self._house.database.close()

    def _deliver(self) -> None:
        if isinstance(self._worker, Deliverer):
            self._worker.start(self._house)
        else:
            self._worker.start()

    def _front(self) -> Front:
        application = create_app(self._house)
        note_routes(application)
        base_path = self._house.setup.base_path
        static = Static(self._options.site, base_path) if self._options.site else None
        if static and not self._options.build and static.is_empty():
            static = None  # no build of ours will ever fill it
        headers = self._options.headers
        return Front(application.wsgi_app, static, base_path=base_path, headers=headers, log=self._log)

    def _drained(self, server: Server) -> int:
        self._log.tell("stop", message="finishing what has begun")
        if self._publisher:
            self._publisher.stop(0)
        finished = server.drain(self._options.drain, self._hurried)
        delivered = self._worker.stop(0 if self._hurried() else LAST_DELIVERY)
        self._log.tell("stop", message="ended", requests_finished=finished, delivery_finished=bool(delivered))
        return 1 if self._hurried() else 0

    def _look_again(self, outcome: Outcome) -> None:
        """After a build: what blocked it, and what a new release lacks, is no reason to end, but to be told."""
        if self._server is not None and not outcome.blocked:
            for one in self._prepared.demands():
                self._log.tell("fault", message=f"{one.path}: {one.message}")
        wrong = (outcome.problems or (outcome.fault,)) if outcome.blocked else ()
        hear_of_build(self._house, socket.gethostname(), wrong, self._house.now())

    def _hurried(self) -> bool:
        return self._signals > 1

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        handlers = {signal.SIGTERM: self._on_end, signal.SIGINT: self._on_end}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._on_reload
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_end(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._server is not None:
            self._server.wake()

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        if self._publisher:
            self._publisher.ask()


def _keep_for_good() -> None:
    """What is there by now stays: to look through all of it again and again would hold up whoever waits just then.

    Nor is a group of posts looked through, as it would be each time: none of it is left once they are answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MADE)


def _allow_files() -> None:
    """Let this process hold as many files as its connections may need, as far as the system allows."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
