"""The starter, built and served, and a browser to look at it with.

The starter is copied first: somebody may be writing in it while the tests run.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, sync_playwright

from obverse.build import BuildOptions, build
from obverse.clock import Clock
from tests.browser.forms_served import Endpoint, endpoint_served
from tests.browser.kinds import DRAFTED, KINDS
from tests.browser.site_server import site_served

REPOSITORY = Path(__file__).resolve().parents[2]

# After the newest article, before what is scheduled.
TODAY = Clock(datetime(2026, 11, 23, 12, tzinfo=UTC), ZoneInfo("America/New_York"))


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter's sources."""
    root = tmp_path_factory.mktemp("starter")
    for name in ("content", "templates"):
        shutil.copytree(REPOSITORY / name, root / name)
    shutil.copy(REPOSITORY / "obverse.toml", root)
    return root


def built(starter: Path, drafts: bool) -> Path:
    out = starter / ("with-drafts" if drafts else "site")
    report = build(BuildOptions(starter, out=out, drafts=drafts), TODAY)
    assert not report.blocked, report.problems
    return out


@pytest.fixture(scope="session")
def site(starter: Path) -> Path:
    """The starter as the public sees it."""
    return built(starter, drafts=False)


@pytest.fixture(scope="session")
def drafted(starter: Path) -> Path:
    """The starter with its drafts: enough articles for a second page of the list."""
    return built(starter, drafts=True)


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the starter is served."""
    with site_served(site) as one:
        yield one


@pytest.fixture(scope="session")
def drafted_address(drafted: Path) -> Iterator[str]:
    """Where the starter with its drafts is served."""
    with site_served(drafted) as one:
        yield one


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One Chromium for a module: Playwright's plain interface can be started once at a time in a thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """A page with a form, and an endpoint that answers as it is told; a module has one of its own."""
    with endpoint_served() as one:
        yield one


@pytest.fixture(scope="session")
def doors(address: str, drafted_address: str) -> dict[str, str]:
    """The address of one page of every kind."""
    public = {kind: address + path for kind, path in KINDS.items()}
    return public | {kind: drafted_address + path for kind, path in DRAFTED.items()}
