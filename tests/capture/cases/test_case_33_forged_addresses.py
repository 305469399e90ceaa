"""Case 33: `X-Forwarded-For` forged anew with each request: only trusted hops are counted, so the limit still bites.

In a real process: `test_nobody_may_say_for_whom_they_ask_without_a_proxy`.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from capture.app import create_app
from tests.capture.house import SETTINGS, a_house, no_sync

__all__ = ["no_sync"]


@pytest.mark.parametrize(("proxies", "behind"), [(0, ""), (1, ", 203.0.113.9"), (2, ", 203.0.113.9, 10.0.0.1")])
def test_the_limit_bites_whatever_is_claimed(
    proxies: int, behind: str, tmp_path: Path, sqlite_url: str, no_sync: None
) -> None:
    with a_house(tmp_path, sqlite_url, settings=replace(SETTINGS, rate=3), proxies=proxies) as house:
        client = create_app(house).test_client()
        statuses = []
        for number in range(5):
            sent = {"name": "Ann", "email": "ann@example.org", "message": f"number {number}"}
            head = {"X-Forwarded-For": f"198.51.{number}.7{behind}"}
            statuses.append(client.post("/_ob/f/contact", data=sent, headers=head).status_code)
    assert statuses == [303, 303, 303, 200, 200]
