"""Case 73: `Origin: null`, names that only begin or end like ours, none, credentials: exactly one origin is let in."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from capture.app import create_app
from tests.capture.house import SETTINGS, a_house

FORM = "/_ob/f/contact"
SITE = "https://static.test"
ANSWERS = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?"}


@pytest.fixture
def visitor(tmp_path: Path, sqlite_url: str) -> Iterator[FlaskClient]:
    """Somebody whose browser shows a static site on one host and sends to an endpoint on another."""
    settings = replace(SETTINGS, url=SITE, origin="https://ask.test")
    with a_house(tmp_path, sqlite_url, settings=settings, address="https://ask.test") as house:
        yield create_app(house).test_client()


def test_the_sites_origin_is_let_in_by_name_and_without_credentials(visitor: FlaskClient) -> None:
    answer = visitor.post(FORM, data=ANSWERS, headers={"Origin": SITE})
    assert answer.status_code == 303
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil-static.test",
        "https://static.test.evil.test",
        "https://static.test@evil.test",
        "http://static.test",
        "https://static.test:8443",
        "https://STATIC.test.",
        "*",
        "file://",
    ],
)
def test_a_name_that_is_only_like_ours_is_kept_out(visitor: FlaskClient, origin: str) -> None:
    for answer in (
        visitor.options(FORM, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}),
        visitor.post(FORM, data=ANSWERS, headers={"Origin": origin, "Cookie": "a=b"}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.status_code == (204 if answer.request.method == "OPTIONS" else 403)


@pytest.mark.parametrize("headers", [{}, {"Origin": ""}, {"Origin": "null"}])
def test_no_origin_and_a_hidden_one_are_no_signal(visitor: FlaskClient, headers: dict[str, str]) -> None:
    answer = visitor.post(FORM, data=ANSWERS, headers=headers)
    assert answer.status_code == 303
    assert "Access-Control-Allow-Origin" not in answer.headers
