"""The story of a process: it opens its house, says what it must be told or takes its port, and serves to the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from capture.backup.occupancy import Occupied, within
from capture.house import House, utc_now
from capture.run.deliverer import Deliverer, forked
from capture.run.log import Log, use
from capture.run.options import RunOptions
from capture.run.preparation import prepare
from capture.run.process import Process
from capture.run.sockets import Unfit, inherited, listening
from capture.setup import VAR
from obverse.problems import Problem, as_text, problem, tally


def run(options: RunOptions) -> int:
    """Run until told to end. Returns 0 after a clean end, 1 when it did not start or was hurried."""
    log = Log(sys.stdout, utc_now, quiet=options.quiet)
    use(log)
    deliverer = forked(lambda: _house(options))
    try:
        with within(options.root / VAR):
            return _run(options, log, deliverer)
    except Occupied:
        hint = "wait until it has ended"
        return _refused((problem("in-use", VAR, "a restore is at work with the data", hint=hint),))
    finally:
        if deliverer:
            deliverer.stop(0)


def _house(options: RunOptions) -> House | None:
    """A second house over the same data, for who delivers."""
    prepared, _ = prepare(options)
    return prepared.house if prepared else None


def _run(options: RunOptions, log: Log, deliverer: Deliverer | None) -> int:
    prepared, wrong = prepare(options)
    if prepared is None:
        return _refused(wrong)
    process = Process(options, prepared, log, deliverer)
    try:
        made = inherited(os.environ, os.getpid()) or listening(options.host, options.port)
    except (OSError, Unfit) as error:
        process.close()
        return _refused((_taken(options, error),))
    try:
        wrong = process.first_build()
        code = _refused(wrong) if wrong else process.serve(made)
    finally:
        made.close()
        process.close()
    if code and not wrong:
        sys.stdout.flush()
        os._exit(code)  # told to end at once: whatever a thread is waiting for is not waited for
    return code


def _taken(options: RunOptions, error: OSError | Unfit) -> Problem:
    if isinstance(error, Unfit):
        return problem("run-address", "", str(error), hint="give one ListenStream= with an address and a port")
    reason = error.strerror or str(error)
    message = f"{options.host}:{options.port} cannot be listened on: {reason}"
    return problem("run-address", "", message, hint="choose another with --host and --port")


def _refused(problems: Iterable[Problem]) -> int:
    told = tuple(problems)
    print(as_text(told), file=sys.stderr)
    print(f"{tally(told)}; obverse run did not start", file=sys.stderr)
    return 1
