"""What a command line asks of `run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """One process of production.

    `root` holds `obverse.toml` and `var/`; without settings, `var/releases/` says what the site is. `build` is the
    build's command line, () where nothing is built here. `site` is the folder it writes, None where this process serves
    no pages; `headers` are the constant ones these are sent with; `ledger` is the file every build of the site writes.
    `port` 0 takes any. `proxies` stands for `[capture] proxies` when given. `quiet` leaves requests out of the log.
    `nightly` are command lines that are run once a night, by name.
    `drain` is how many seconds requests may take to finish once the process was told to end.
    """

    root: Path
    host: str = "127.0.0.1"
    port: int = 8080
    build: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    ledger: Path | None = None
    site: Path | None = None
    proxies: int | None = None
    quiet: bool = False
    nightly: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drain: float = 20.0
