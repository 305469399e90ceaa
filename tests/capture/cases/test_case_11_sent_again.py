"""Case 11: a double click, a reload, a browser's own retry after thirty seconds: one lead, and the first answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from werkzeug.test import TestResponse

from capture.house import House
from tests.capture.cases.visits import ANSWERS, FORM, key, post, receipt_of, stored, visitor
from tests.capture.house import Clock, a_house


def test_a_double_click_is_one_lead(tmp_path: Path) -> None:
    """Both clicks are under way at once."""
    mine = key()
    with a_house(tmp_path) as house, ThreadPoolExecutor(8) as pool:
        browsers = [visitor(house) for _ in range(8)]
        given = set(pool.map(lambda browser: receipt_of(post(browser, **mine)), browsers))
        assert [(receipt,) for receipt in given] == stored(house)


def test_a_retry_has_the_first_answer(tmp_path: Path) -> None:
    mine = {**ANSWERS, **key()}
    with a_house(tmp_path) as house:
        first, second = (_sent_as_json(house, mine, seconds) for seconds in (0, 30))
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json == second.json
        assert second.headers["Idempotency-Replayed"] == "true"
        assert len(stored(house)) == 1


def _sent_as_json(house: House, values: dict[str, str], seconds: float) -> TestResponse:
    assert isinstance(house.now, Clock)
    house.now.move(seconds=seconds)
    return visitor(house).post(FORM, json=values, headers={"Accept": "application/json"})


def test_without_a_script_a_reload_is_one_lead_too(tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        first, second = (receipt_of(post(visitor(house))) for _ in range(2))
        assert first == second
        assert len(stored(house)) == 1
