"""Case 51: SQL in an order, a column or a filter is refused or is text that finds nothing; the tables stand."""

from pathlib import Path

import pytest

from tests.capture.hostile import ENDPOINT, PHONE, siege

INJECTED = (
    "received_at; DROP TABLE inquiries",
    "1) OR 1=1 --",
    "' UNION SELECT password FROM users --",
    "(CASE WHEN 1=1 THEN id ELSE page END)",
    "id DESC, (SELECT 1)",
)


@pytest.mark.parametrize("name", ["view", "sort", "order", "orderby", "column", "form", "page", "owner", "stage", "q"])
def test_sql_is_no_filter(tmp_path: Path, name: str) -> None:
    answers = {"name": "Ann", "email": "ann@example.org", "phone": PHONE, "message": "Hello"}
    with siege(tmp_path, ()) as house:
        assert house.app.test_client().post(ENDPOINT, data=answers).status_code == 303
        client = house.client()
        for text in INJECTED:
            page = client.get("/inbox/", query_string={name: text})
            assert (text, page.status_code in (200, 400)) == (text, True)
            assert "scrypt" not in page.text
        with house.house.database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM inquiries").scalar() == 1
            assert connection.exec_driver_sql("SELECT count(*) FROM users").scalar() == 1


@pytest.mark.parametrize("name", ["form", "owner", "stage", "q"])
def test_a_filter_that_says_always_finds_nothing(tmp_path: Path, name: str) -> None:
    answers = {"name": "Ann", "email": "ann@example.org", "phone": PHONE, "message": "Hello"}
    with siege(tmp_path, ()) as house:
        assert house.app.test_client().post(ENDPOINT, data=answers).status_code == 303
        page = house.client().get("/inbox/", query_string={"view": "all", name: "x' OR '1'='1"})
        assert page.status_code == 400 or "ann@example.org" not in page.text
