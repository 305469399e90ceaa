"""Case 44: what the inbox's list is asked for (view, order, search, page) is reflected as text, or refused."""

from collections.abc import Iterator

import pytest

from tests.capture.hostile import MARKUP, Siege, faults, siege


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with siege(tmp_path_factory.mktemp("filters"), MARKUP[:1]) as one:
        yield one


@pytest.mark.parametrize("name", ["view", "stage", "sort", "orderby", "q", "page", "form", "owner", "from", "open"])
def test_a_filter_is_text_or_refused(house: Siege, name: str) -> None:
    for text in (MARKUP[1], "' onfocus=owned(1) autofocus x='", "javascript:owned(1)", "-1", "9" * 400):
        page = house.client().get("/inbox/", query_string={name: text})
        assert (text, page.status_code in (200, 400), faults(page.text)) == (text, True, [])
