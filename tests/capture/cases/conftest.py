"""What the cases share: a house over each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.house import House
from tests.capture.house import a_house


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house with a small release; the test runs once on each kind of database."""
    with a_house(tmp_path, database_url) as house:
        yield house
