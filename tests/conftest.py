"""Plumbing that every test may ask for: nothing of the engine, only where the browser is."""

import os

import pytest

from build import chromium


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium to drive. Without one a test in a browser is skipped, but fails where CI is set."""
    path = chromium()
    if not path:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("no Chromium: install it, or name one in OBVERSE_CHROMIUM")
    return path
