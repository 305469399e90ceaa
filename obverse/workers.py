"""workers: items and a pure function of them -> its results in the order of the items, made in several processes.

A worker is this process, forked: it has all that was in memory, so nothing is sent to it but the numbers of the items
it takes, and nothing comes back but bytes. Where there is no fork (or a thread, which a fork would cut in two), workers
can be started anew; they are told a function by its name and are sent their items.

The parent hands out a few items at a time, so that nobody waits for a neighbour's hard ones, reads what comes from any
worker, and gives it out in order. While nothing comes it does an item itself: one process more than there are
processors would only take their time. What has come too early is kept, up to a limit beyond which only the items
everybody waits for are handed out.

`work` must not use what cannot be in two processes at once: a database connection above all. It opens its own.
A worker holds the files its parent had open, locks included, until it ends; it ends when its parent does.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

if TYPE_CHECKING:
    from subprocess import Popen
    from threading import Thread

T = TypeVar("T")
Work = Callable[[Iterator[T]], Iterator[bytes]]

# More processes than this gain little: the parent has its own work with every result.
MOST = 8
VARIABLE = "OBVERSE_WORKERS"

# Bytes of results that came too early, beyond which nobody is given more than what is waited for.
LIMIT = 16 << 20

_PIPE = 1 << 20
# Bytes read at a time: more would be new memory from the system each time, mapped and given back.
_GULP = 1 << 16

# Seconds for which the parent does not listen, so that it hears several results at once: to be woken by each costs both
# sides more than most results do.
_PATIENCE = 0.002
# When each worker has no more to do than this, it is heard at once: it would be idle before its parent is awake.
_LAST = 5

_FRAME = struct.Struct("<BI")
_SPAN = struct.Struct("<II")
_RESULT, _FAILURE = 0, 1

# The child sees the modules this process sees, and none of those that lie about in the folder it is started in.
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from obverse.workers import main; main(sys.argv[2])"

# The parent's ends of all pipes that are open: a worker must not hold those of its elder brothers.
_ends: set[int] = set()
_is_worker = False


class WorkerError(Exception):
    """Work that failed: `index` is the number of the item, `text` says how, with the exception's type and message."""

    def __init__(self, index: int, text: str) -> None:
        super().__init__(text)
        self.index = index
        self.text = text


def count(asked: int) -> int:
    """How many processes shall work; `asked` 0 leaves it to the number of processors that may be used.

    The variable OBVERSE_WORKERS stands above both. 1 means that this process works alone.
    """
    wish = os.environ.get(VARIABLE, "")
    asked = int(wish) if wish.isascii() and wish.isdigit() else asked
    return max(1, asked or min(MOST, _processors()))


def _processors() -> int:
    allowed = getattr(os, "sched_getaffinity", None)  # the machine may have more than we may use
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def can_fork() -> bool:
    """Whether this process may be forked: the system knows how, no thread is about, and it is no worker itself."""
    if not hasattr(os, "fork") or _is_worker:
        return False
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # threads that Python knows nothing of count too
    except OSError:
        return True


def spread(items: Sequence[T], work: Work[T], workers: int, *, chunk: int) -> Generator[bytes, None, None]:
    """One result for each item, in their order.

    `work` gets an iterator of items, and yields one result for each before it takes the next. Up to `workers`
    processes, this one among them, take up to `chunk` items at a time; where forking is not possible, or there is not
    more than one chunk, everything happens here. Raises WorkerError for the first item that fails, in any case.
    """
    if workers > 1 and len(items) > chunk and can_fork():
        crew = _Forked(items, work)
        yield from _gathered(crew, workers - 1, len(items), chunk, _Own(items, work))
        if crew.hands:
            return
    yield from _here(items, work)


def spawned(items: Sequence[T], work: str, recipe: object, workers: int, *, chunk: int) -> Iterator[bytes]:
    """The same, with processes started anew: `work` is "module:function", called with the recipe and an iterator.

    The recipe and the items are pickled. Threads of this process read the results.
    """
    if workers > 1 and len(items) > chunk and not _is_worker:
        yield from _gathered(_Spawned(items, work, recipe), workers, len(items), chunk)
    else:
        yield from _here(items, lambda mine: _named(work)(recipe, mine))


def located(results: Iterable[bytes], places: Sequence[str]) -> Iterator[bytes]:
    """The results; a failure becomes a problem at the place of its item, a path of the site. Raises StoppedError."""
    try:
        yield from results
    except WorkerError as error:
        from obverse.problems import StoppedError, problem

        hint = f"{VARIABLE}=1 does all the work in one process; if it fails there too, look into this file and hooks.py"
        raise StoppedError(problem("worker", places[error.index], error.text, hint=hint)) from error


def _here(items: Sequence[T], work: Work[T]) -> Iterator[bytes]:
    tally = _Tally()
    try:
        results = tally.answered(work(tally.taken_of(items)))
        while (result := next(results, None)) is not None:
            yield result
        if tally.given < len(items):
            raise ValueError(tally.told)  # noqa: TRY301 - told like a failure of the work's own
    except Exception as error:
        raise WorkerError(tally.given, _spoken(error)) from error


@dataclass(slots=True)
class _Tally:
    """How many items somebody's work has taken, and how many results it has given: one for each, before the next."""

    taken: int = 0
    given: int = 0

    @property
    def told(self) -> str:
        return f"the work gave {self.given} results for {self.taken} items"

    def taken_of(self, items: Iterable[T]) -> Iterator[T]:
        """The items, counted. Raises ValueError when there was no result for the last one."""
        for item in items:
            if self.given != self.taken:
                raise ValueError(self.told)
            self.taken += 1
            yield item

    def answered(self, results: Iterable[bytes]) -> Iterator[bytes]:
        """The results, counted. Raises ValueError when there is one too many, or one too few at the end."""
        for result in results:
            if self.given == self.taken:
                raise ValueError(f"the work gave {self.given + 1} results for {self.taken} items")
            self.given += 1
            yield result
        if self.given != self.taken:
            raise ValueError(self.told)


class _Own:
    """What this process does itself, while nothing is to be heard from others."""

    def __init__(self, items: Sequence[Any], work: Work[Any]) -> None:
        tally = _Tally()
        self._items, self._tally = items, tally
        self._asked: deque[int] = deque()
        self._results = tally.answered(work(tally.taken_of(self._mine())))

    def _mine(self) -> Iterator[Any]:
        while self._asked:
            yield self._items[self._asked.popleft()]

    def result(self, index: int) -> bytes | WorkerError:
        """The result of an item, or how it failed."""
        self._asked.append(index)
        try:
            result = next(self._results, None)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as in a worker
            failed = WorkerError(index, _spoken(error))
            failed.__cause__ = error
            return failed
        return WorkerError(index, self._tally.told) if result is None else result


def _spoken(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _named(work: str) -> Callable[[Any, Iterator[Any]], Iterator[bytes]]:
    from importlib import import_module

    module, _, name = work.partition(":")
    function: Callable[[Any, Iterator[Any]], Iterator[bytes]] = getattr(import_module(module), name)
    return function


# The parent's side: handing out, and putting in order.


@dataclass(slots=True, eq=False)
class _Hand:
    """A worker as its parent sees it: where to speak to it and where it is heard, and the items it owes, in order."""

    pid: int
    tasks: int
    results: int
    owed: deque[int] = field(default_factory=deque)
    heard: bytearray = field(default_factory=bytearray)
    gone: bool = False


Heard = tuple[_Hand, bytes]  # bytes as they came; none when the worker will say no more


class _Crew(Protocol):
    """Workers, and how they are spoken to."""

    hands: list[_Hand]

    def hire(self, workers: int) -> None:
        """Start so many workers, or as many as the system has room for."""

    def send(self, hand: _Hand, start: int, stop: int) -> None:
        """Give a worker some more items."""

    def hear(self, *, wait: bool) -> Iterable[Heard]:
        """What workers have said; when we `wait` for it, at least one thing."""

    def hang_up(self, hand: _Hand, *, kill: bool) -> None:
        """Let a worker end, or make it."""

    def reap(self, hand: _Hand) -> int:
        """Wait until a worker has ended; its exit code, -n after signal n."""


@dataclass(slots=True)
class _Course:
    """How far it has come: what is handed out, and the answers nobody has asked for yet."""

    crew: _Crew
    total: int
    chunk: int
    own: _Own | None
    given: int = 0
    kept: int = 0
    last_words: str = "no worker is left"
    answers: dict[int, bytes | WorkerError] = field(default_factory=dict)

    def take(self, index: int) -> bytes:
        """The result of an item. Raises WorkerError when there is none."""
        while index not in self.answers:
            self.hand_out(index)
            if self.own is None or not self.may_give(index):
                self.listen(wait=True)
            elif not self.listen(wait=False):
                self.do_one(self.own)
        answer = self.answers.pop(index)
        if isinstance(answer, WorkerError):
            raise answer
        self.kept -= len(answer)
        return answer

    def hand_out(self, index: int) -> None:
        """Give items to every worker that has few; `index` is the item that is waited for.

        Who is at the last of its items has as many more already: it need not wait while nobody listens.
        """
        living = [hand for hand in self.crew.hands if not hand.gone]
        busy = len(living) + (self.own is not None)
        for hand in (*living, *living):
            size = max(1, min(self.chunk, (self.total - self.given) // (4 * busy)))
            if self.may_give(index) and len(hand.owed) <= size:
                stop = min(self.total, self.given + size)
                hand.owed.extend(range(self.given, stop))
                self.crew.send(hand, self.given, stop)
                self.given = stop
        if not living and self.given < self.total:
            self.answers.setdefault(self.given, WorkerError(self.given, self.last_words))

    def may_give(self, index: int) -> bool:
        """Whether there is more to do that need not wait; `index` is the item that is waited for."""
        return self.given < self.total and (self.kept < LIMIT or self.given <= index)

    def do_one(self, own: _Own) -> None:
        """Do the next item here."""
        answer = self.answers[self.given] = own.result(self.given)
        self.given += 1
        self.kept += len(answer) if isinstance(answer, bytes) else 0

    def listen(self, *, wait: bool) -> bool:
        """Take what workers have said; whether they said anything."""
        heard = False
        for hand, data in self.crew.hear(wait=wait):
            heard = True
            if data:
                hand.heard += data
                self._understand(hand)
            else:
                hand.gone = True
                self.crew.hang_up(hand, kill=False)
                self._mourn(hand, self.crew.reap(hand))
        return heard

    def _understand(self, hand: _Hand) -> None:
        at, heard = 0, hand.heard
        while len(heard) - at >= _FRAME.size:
            kind, size = _FRAME.unpack_from(heard, at)
            end = at + _FRAME.size + size
            if len(heard) < end:
                break
            self._keep(hand, kind, bytes(memoryview(heard)[end - size : end]))
            at = end
        del heard[:at]

    def _keep(self, hand: _Hand, kind: int, data: bytes) -> None:
        if kind == _RESULT:
            self.answers[hand.owed.popleft()] = data
            self.kept += len(data)
        else:
            text, _, trace = data.decode("utf-8", "replace").partition("\0")
            self.last_words = text
            if hand.owed:
                index = hand.owed.popleft()
                error = self.answers[index] = WorkerError(index, text)
                error.add_note(trace)

    def _mourn(self, hand: _Hand, code: int) -> None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        for index in hand.owed:
            self.answers[index] = WorkerError(index, f"a worker {how}")
        hand.owed.clear()


def _gathered(crew: _Crew, workers: int, total: int, chunk: int, own: _Own | None = None) -> Iterator[bytes]:
    """The results in order. None at all when nobody could be hired."""
    course, kill = _Course(crew, total, chunk, own), True
    try:
        crew.hire(min(workers, total))
        if crew.hands:
            for index in range(total - 1):
                yield course.take(index)
            last = course.take(total - 1)
            kill = False
    finally:
        _dismiss(crew, kill=kill)
    if crew.hands:
        yield last  # who has all results need not come again for the workers to go


def _dismiss(crew: _Crew, *, kill: bool) -> None:
    left = [hand for hand in crew.hands if not hand.gone]
    for hand in left:
        hand.gone = True
        crew.hang_up(hand, kill=kill)
    for hand in left:
        crew.reap(hand)


# Forked workers.


class _Forked:
    """Workers that are this process once more."""

    def __init__(self, items: Sequence[Any], work: Work[Any]) -> None:
        import select

        self._items, self._work = items, work
        self.hands: list[_Hand] = []
        self._by_end: dict[int, _Hand] = {}
        self._poll, self._in = select.poll(), select.POLLIN

    def hire(self, workers: int) -> None:
        _flush()  # or a worker that prints would say again what is still to be said here
        with contextlib.suppress(OSError):  # no room for a process: those who are there do the work
            for _ in range(workers):
                hand = _forked(self._items, self._work)
                self.hands.append(hand)
                self._by_end[hand.results] = hand
                self._poll.register(hand.results, self._in)

    def send(self, hand: _Hand, start: int, stop: int) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died, which will be heard
            _write(hand.tasks, _SPAN.pack(start, stop))

    def hear(self, *, wait: bool) -> Iterator[Heard]:
        if wait and sum(len(hand.owed) for hand in self.hands) > _LAST * len(self.hands):
            time.sleep(_PATIENCE)
        for end, _ in self._poll.poll(None if wait else 0):
            data = os.read(end, _GULP)
            if not data:
                self._poll.unregister(end)
            yield self._by_end[end], data

    def hang_up(self, hand: _Hand, *, kill: bool) -> None:
        for end in (hand.tasks, hand.results):
            _ends.discard(end)
            os.close(end)
        if kill:
            import signal

            os.kill(hand.pid, signal.SIGKILL)

    def reap(self, hand: _Hand) -> int:
        try:
            return os.waitstatus_to_exitcode(os.waitpid(hand.pid, 0)[1])
        except ChildProcessError:  # somebody here waits for all children, or for none
            return 0


def _forked(items: Sequence[T], work: Work[T]) -> _Hand:
    """A new worker. The order of things matters: no signal may find it half made, no pipe end may stay open twice."""
    import signal

    tasks, to_worker = os.pipe()
    from_worker, results = os.pipe()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        pid = os.fork()
        if pid == 0:
            _be_forked(items, work, tasks, results, {to_worker, from_worker}, blocked)
    except OSError:
        os.close(to_worker)
        os.close(from_worker)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(tasks)
        os.close(results)
    _ends.update((to_worker, from_worker))
    _widen(from_worker)
    return _Hand(pid, to_worker, from_worker)


def _be_forked(
    items: Sequence[T], work: Work[T], tasks: int, results: int, others: set[int], blocked: set[Any]
) -> NoReturn:
    """The whole life of a forked worker. Nothing of what its parent would do at its end is done here."""
    import gc
    import signal

    from obverse.garbage import OFTEN

    global _is_worker
    _is_worker, code = True, 1
    try:
        gc.freeze()  # what was made before the fork stays shared: no collection writes into it
        gc.set_threshold(*OFTEN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for end in others | _ends:
            os.close(end)
        _labour(lambda data: items[slice(*_SPAN.unpack(data))], lambda: work, tasks, results)
        _flush()
        code = 0
    finally:
        os._exit(code)


def _widen(pipe: int) -> None:
    """Let a worker go on for a while when its parent is busy."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # there is none, nobody listens, it is closed
            stream.flush()


# Workers started anew.


class _Spawned:
    """Workers that know nothing but what they are sent. A thread listens to each, which works on every system."""

    def __init__(self, items: Sequence[Any], work: str, recipe: object) -> None:
        import pickle
        from queue import SimpleQueue

        self._items, self._work, self._recipe, self._dumps = items, work, recipe, pickle.dumps
        self._said: SimpleQueue[Heard] = SimpleQueue()
        self._processes: dict[int, tuple[Popen[bytes], Thread]] = {}
        self.hands: list[_Hand] = []

    def hire(self, workers: int) -> None:
        for _ in range(workers):
            self.hands.append(self._started())
        for hand in self.hands:
            self._tell(hand, self._recipe)

    def _started(self) -> _Hand:
        import json
        import subprocess
        from threading import Thread

        # Python names the working folder "" in sys.path; the child must not understand that as a folder of its own.
        places = json.dumps([os.path.abspath(place) for place in sys.path])
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, places, self._work],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # so that Ctrl-C reaches the parent alone
        )
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 both were asked for
        hand = _Hand(process.pid, process.stdin.fileno(), process.stdout.fileno())
        thread = Thread(target=self._listen, args=(hand,), daemon=True)
        self._processes[hand.pid] = process, thread
        thread.start()
        return hand

    def _listen(self, hand: _Hand) -> None:
        data = b"-"
        while data:
            try:
                data = os.read(hand.results, _GULP)
            except OSError:
                data = b""
            self._said.put((hand, data))

    def _tell(self, hand: _Hand, what: object) -> None:
        data = self._dumps(what)
        with contextlib.suppress(OSError):  # it has died, which will be heard
            _write(hand.tasks, _FRAME.pack(_RESULT, len(data)) + data)

    def send(self, hand: _Hand, start: int, stop: int) -> None:
        self._tell(hand, list(self._items[start:stop]))

    def hear(self, *, wait: bool) -> Iterator[Heard]:
        if wait:
            yield self._said.get()
        while not self._said.empty():
            yield self._said.get()

    def hang_up(self, hand: _Hand, *, kill: bool) -> None:
        process, _ = self._processes[hand.pid]
        if kill:
            process.kill()
        assert process.stdin is not None  # noqa: S101 it was asked for
        process.stdin.close()

    def reap(self, hand: _Hand) -> int:
        process, thread = self._processes.pop(hand.pid)
        code = process.wait()
        thread.join()
        assert process.stdout is not None  # noqa: S101 it was asked for
        process.stdout.close()
        return code


def main(work: str) -> None:
    """The whole life of a worker that was started anew: its tasks come in by the front door, results go out by it."""
    import pickle
    import signal

    global _is_worker  # noqa: PLW0603 - this process is one from here to its end
    _is_worker = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks, results = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what the work prints is no result
    loads: Callable[[bytes], Any] = pickle.loads

    def made() -> Work[Any]:
        recipe = loads(_read(tasks, framed=True) or b"")
        function = _named(work)
        return lambda mine: function(recipe, mine)

    _labour(loads, made, tasks, results, framed=True)


# The worker's side.


def _labour(
    items: Callable[[bytes], Sequence[T]],
    hired: Callable[[], Work[T]],
    tasks: int,
    results: int,
    *,
    framed: bool = False,
) -> None:
    """Work until there are no more tasks. Whatever goes wrong is told to the parent."""
    tally = _Tally()

    def mine() -> Iterator[T]:
        while data := _read(tasks, framed=framed):
            yield from items(data)

    try:
        for result in tally.answered(hired()(tally.taken_of(mine()))):
            _send(results, _RESULT, result)
    except BaseException as error:  # noqa: BLE001 - a worker that is told to exit has failed as well
        _send(results, _FAILURE, _report(error))


def _report(error: BaseException) -> bytes:
    import traceback

    return f"{_spoken(error)}\0{''.join(traceback.format_exception(error))}".encode("utf-8", "replace")


def _send(results: int, kind: int, data: bytes) -> None:
    """Tell the parent. A worker whose parent is gone has no reason to stay, nor anything to tidy up."""
    try:
        _write(results, _FRAME.pack(kind, len(data)) + data)
    except BrokenPipeError:
        os._exit(0)


def _write(end: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(end, view) :]


def _read(tasks: int, *, framed: bool) -> bytes:
    """The next task, empty when there will be none."""
    if not framed:
        return _exactly(tasks, _SPAN.size)
    head = _exactly(tasks, _FRAME.size)
    return _exactly(tasks, _FRAME.unpack(head)[1]) if head else b""


def _exactly(end: int, size: int) -> bytes:
    """So many bytes, or none when the other side has gone, in the middle of them or before."""
    data = b""
    while len(data) < size:
        more = os.read(end, size - len(data))
        if not more:
            return b""
        data += more
    return data
