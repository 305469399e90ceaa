"""Shelves: what bits say of shared articles is what counting says."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from obverse.shelves import Shelf, most_shared, places, shelf

ARTICLES = [f"articles/{number:02d}.md" for number in range(70)]  # newest first
LISTS = st.lists(st.lists(st.sampled_from(ARTICLES), unique=True, max_size=40), max_size=9)


def test_places_count_from_the_oldest_so_that_a_new_article_moves_none() -> None:
    before, after = places(ARTICLES), places(["articles/new.md", *ARTICLES])
    assert before == {path: place for path, place in after.items() if path != "articles/new.md"}
    listed = ARTICLES[3:9]
    assert repr(shelf(listed, before)) == repr(shelf(listed, after))


@given(LISTS)
def test_the_most_shared_come_first_and_newer_ones_before_older(lists: list[list[str]]) -> None:
    placed = places(ARTICLES)
    counted = Counter(path for listed in lists if len(listed) > 1 for path in listed)
    wanted = sorted(counted, key=lambda path: (-counted[path], ARTICLES.index(path)))
    found = most_shared(shelf(listed, placed) for listed in lists)
    assert [ARTICLES[::-1][place] for place in found] == wanted


def test_a_list_of_one_relates_nothing() -> None:
    assert shelf(ARTICLES[:1], places(ARTICLES)) == 0


def test_the_text_of_a_long_shelf_costs_no_more_than_it_is_long() -> None:
    assert repr(Shelf(1 << 20_000)) == "1" + "0" * 5_000  # in decimal, Python refuses numbers as long as that
