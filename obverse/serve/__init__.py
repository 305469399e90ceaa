"""`obverse serve`: a site's folder -> its preview in the browser, built again at every save.

A builder in a child process writes `.obverse/preview/`; one port serves it, tells the open pages what changed, and
shows problems over the page they keep from appearing. Importing this package costs nothing: `serve` loads the server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from wsgiref.types import WSGIApplication

# A URL prefix with both slashes ("/inbox/") and the application that answers everything under it. The application sees
# the whole path, prefix included, and is called in a pool of threads.
Mount: TypeAlias = tuple[str, WSGIApplication]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is served beside the preview: applications, scripts for every page, lines for the terminal, and its end."""

    mounts: tuple[Mount, ...] = ()
    scripts: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    close: Callable[[], None] = lambda: None


def _nothing(_address: str) -> Beside:
    return Beside()


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What to serve and where.

    `host` None is `[serve] host` of the settings; `port` None is `[serve] port` or the next free of the nine after it.
    A port that was asked for is that one or a problem.
    `builder` is the dotted module and the function that builds, "module:function"; `BuildOptions` is taken from the
    same module. `beside` is given the preview's address once that is known; the builder runs by then.
    """

    root: Path
    host: str | None = None
    port: int | None = None
    open_browser: bool = False
    builder: str = "obverse.build:build"
    beside: Callable[[str], Beside] = _nothing


def serve(options: ServeOptions) -> int:
    """Serve until Ctrl-C or SIGTERM. Returns the exit code: 0 well, 1 when the address cannot be listened on."""
    from obverse.serve.desk import run

    return run(options)
