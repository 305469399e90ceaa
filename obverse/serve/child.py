"""The builder's side of the pipe: an `Order` a line in, an `Outcome` a line out, until the pipe closes.

It is its own process, so that a build neither holds up the server nor takes it down, and so that what a site's hooks
import can be had afresh. It ends with the server, however that ends: a killed one gives no notice but a closed pipe.
"""

from __future__ import annotations

import functools
import gc
import importlib
import linecache
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from obverse.serve.wire import Order, Outcome, crash, outcome_line, read_order, report_line

if TYPE_CHECKING:
    from obverse.build import Report

GRACE = 0.5  # seconds a build under way gets to end by itself once nobody waits for it


def main() -> None:
    """Answer orders from standard input on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's business; it closes the pipe
    orders, answers = _channels()
    queue: SimpleQueue[bytes | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(orders, queue), daemon=True).start()
    answer_all(queue, answers)


def answer_all(orders: SimpleQueue[bytes | None], answers: BinaryIO) -> None:
    """Answer each order until None comes. After a crash nothing more is answered: the process is not to be trusted."""
    while (line := orders.get()) is not None:
        for answer, sound in _answers(read_order(line)):
            try:
                answers.write(answer)
                answers.flush()
            except BrokenPipeError:
                return
            if not sound:
                return
        # A build puts off looking for garbage, and of a small site many would pass before the first look: this process
        # would grow for a hundred saves. What one build left is young, and found in no time while nobody waits.
        gc.collect(1)


def _channels() -> tuple[int, BinaryIO]:
    """The pipe's two ends, moved away from descriptors 0 and 1, where a hook's `print` or `input` would meet them."""
    orders, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders, os.fdopen(answers, "wb")


def _listen(orders: int, queue: SimpleQueue[bytes | None]) -> None:
    rest = b""
    while chunk := os.read(orders, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            queue.put(line)
    queue.put(None)
    time.sleep(GRACE)
    _end()


def _end() -> None:
    """End this process and every worker it started. A commit under way is rolled forward by the next build."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _answers(order: Order) -> Iterator[tuple[bytes, bool]]:
    """What comes of an order, and whether this process is still sound; in two answers when the first is partial."""
    try:
        report = _build(order)
        if report.partial and not report.blocked:
            yield report_line(report), True
        if report.partial:
            report = _build(replace(order, first=()))
        yield report_line(report), True
    except (Exception, SystemExit) as fault:  # noqa: BLE001 the boundary: whatever it is, it is told in the browser
        yield outcome_line(_crash(fault, Path(order.root))), False


def _build(order: Order) -> Report:
    name, _, function = order.builder.partition(":")
    module = importlib.import_module(name)
    options = module.BuildOptions(
        root=Path(order.root),
        out=Path(order.out),
        mode="preview",
        drafts=True,
        base_url=order.base_url,
        first=frozenset(order.first),
    )
    report: Report = getattr(module, function)(options, keep=_kept(name))
    return report


@functools.cache
def _kept(name: str) -> object:
    """What builds of this process need not read again: the builder's own business."""
    return importlib.import_module(name).Keep()


def _crash(fault: BaseException, root: Path) -> Outcome:
    kept = _keep_traceback(fault, root)
    path, line, excerpt = _place(fault.__traceback__, root)
    mend = "mend the line shown" if path else "this is a fault in Obverse, not in the site"
    return crash(
        f"the builder stopped: {type(fault).__name__}: {fault}",
        path=path,
        line=line,
        excerpt=excerpt,
        hint=f"{mend}; the next save tries again" + (f" (all that is known of it is in {kept})" if kept else ""),
    )


def _place(trace: TracebackType | None, root: Path) -> tuple[str, int, str]:
    """The innermost line of the site's own files in a traceback: path under the root, line, source line."""
    for frame in reversed(traceback.extract_tb(trace)):
        path = Path(frame.filename)
        if path.parent == root or any(path.is_relative_to(root / part) for part in ("content", "templates")):
            line = frame.lineno or 0
            return path.relative_to(root).as_posix(), line, linecache.getline(frame.filename, line).rstrip("\n")
    return "", 0, ""


def _keep_traceback(fault: BaseException, root: Path) -> str:
    """Write the traceback where a report of the fault can take it from. Returns its path under the root, or ""."""
    try:
        (root / ".obverse").mkdir(exist_ok=True)
        (root / ".obverse" / "crash.txt").write_text("".join(traceback.format_exception(fault)), encoding="utf-8")
    except OSError:
        return ""
    return ".obverse/crash.txt"
