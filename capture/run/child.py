"""A command -> a process of its own that gives way to visitors, and its end with all that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

# preexec_fn is not safe beside threads, so the child makes itself nice and then becomes the command.
_NICELY = "import os, sys; os.nice(10); os.execv(sys.argv[1], sys.argv[1:])"

# What no process can refuse.
KILL = signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM


def nicely(argv: Sequence[str]) -> list[str]:
    """The same command, run so that it gives way to everything else."""
    return [sys.executable, "-I", "-c", _NICELY, *argv] if os.name == "posix" else list(argv)


def begin(
    argv: Sequence[str], env: Mapping[str, str] | None = None, *, stderr: int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start a command, whose output can be read. `env` None is our own environment. Raises OSError."""
    # A session of its own: Ctrl-C at the terminal is the server's business, and all that it starts can be ended.
    return subprocess.Popen(
        nicely(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=env,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def end(child: subprocess.Popen[str], how: int) -> None:
    """Send a signal to a child and all that it has started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, how)
        else:
            child.send_signal(how)
