"""Options -> the house that a process lives in, or everything that stands in the way."""

from __future__ import annotations

import os
import secrets as randomness
from dataclasses import dataclass, replace
from pathlib import Path

from capture.backup.occupancy import UNFINISHED
from capture.house import House, open_house
from capture.run.demands import demands
from capture.run.options import RunOptions
from capture.secrets import ensure_key, load_secrets
from capture.setup import VAR, Secrets, Settings, Setup, configuration
from capture.store.database import BadUrl, Unavailable
from capture.store.migrations import TooNew
from capture.store.people import people
from obverse.config import Config
from obverse.problems import Problem, problem

RELEASE = Path(".obverse", "release")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A process that may start: its house, and the settings of its own machine, None where the release has them."""

    house: House
    config: Config | None

    @property
    def settings(self) -> Settings:
        """What the site says of itself."""
        return Settings.from_plain(self.config.for_capture) if self.config else self.house.releases.current().settings

    def demands(self) -> tuple[Problem, ...]:
        """What it must be told before it starts, or has come to lack since."""
        forms = self.house.releases.current().forms.values()
        return demands(self.settings, self.house.setup.secrets, forms, _users(self.house))


def prepare(options: RunOptions) -> tuple[Prepared | None, tuple[Problem, ...]]:
    """Open the house. The problems are all there are when it cannot be opened, and none when it can."""
    config, wrong = configuration(options.root)
    folder = options.root / VAR
    if (folder / UNFINISHED).exists():
        hint = "do it again: obverse restore FILE; what was there before is in a folder before-restore-…"
        return None, (problem("restore-unfinished", VAR, "a restore was ended in the middle", hint=hint),)
    given, unsafe = load_secrets(folder, os.environ)
    if wrong or unsafe:
        return None, (*wrong, *unsafe)
    try:
        if not given.key:
            given = replace(given, key=ensure_key(folder, lambda: randomness.token_hex(32)))
    except OSError as error:
        return None, (problem("disk", VAR, f"{VAR} cannot be written: {error.strerror}"),)
    try:
        house = open_house(_setup(options, folder, config, given))
    except (TooNew, BadUrl, Unavailable) as error:
        return None, (problem("run-database", "", str(error), hint="nothing was changed"),)
    return Prepared(_addressed(house, config), config), ()


def _setup(options: RunOptions, folder: Path, config: Config | None, given: Secrets) -> Setup:
    own = config.capture.proxies if config else 0
    return Setup(
        folder=folder,
        address="",
        secrets=given,
        release=options.root / RELEASE if config else None,
        proxies=own if options.proxies is None else options.proxies,
    )


def _addressed(house: House, config: Config | None) -> House:
    """The same house with its address, which a release may have to say first."""
    settings = Settings.from_plain(config.for_capture) if config else house.releases.current().settings
    return replace(house, setup=replace(house.setup, address=settings.address, base_path=settings.base_path))


def _users(house: House) -> int | None:
    """How many may log in; None while the database is away."""
    try:
        with house.ready().read() as connection:
            return len(people(connection))
    except Unavailable:
        return None
