"""Case 12: seven identical posts within 224 ms, without a key: one lead, seven counted, one notification."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from capture.store.tables import inquiries, outbox, submissions
from tests.capture.cases.visits import post, receipt_of, stored, visitor
from tests.capture.house import a_house


def test_a_bot_that_sends_seven_times_is_one_lead(tmp_path: Path, database_url: str) -> None:
    with a_house(tmp_path, database_url) as house, ThreadPoolExecutor(7) as pool:
        browsers = [visitor(house) for _ in range(7)]
        given = set(pool.map(lambda browser: receipt_of(post(browser)), browsers))
        assert len(given) == 1
        assert stored(house, submissions.c.receipt, submissions.c.repeats) == [(*given, 6)]
        assert len(stored(house, inquiries.c.id)) == 1
        assert stored(house, outbox.c.channel) == [("mail",)]
