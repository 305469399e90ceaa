"""Case 45: a `javascript:` or `data:` address is text and never a link; mailto and tel links are encoded."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from capture.inbox.display import link_to
from tests.capture.hostile import ENDPOINT, PHONE, siege

BAD = ("javascript:owned(1)", "JaVaScRiPt:owned(1)//https://x.example", "data:text/html,<b>x</b>", "vbscript:owned(1)")


@pytest.mark.parametrize("text", [*BAD, " https://x' onclick=owned(1)", "//owned.test/"])
@pytest.mark.parametrize("kind", ["url", "text", "email", "tel"])
def test_what_is_no_address_leads_nowhere(kind: str, text: str) -> None:
    assert link_to(kind, text) == ""


def test_a_web_address_with_a_user_in_it_is_no_link() -> None:
    assert link_to("url", "https://house.test@owned.test/") == ""


def test_an_address_carries_nothing_else_along() -> None:
    assert link_to("email", "a?bcc=x&subject=y@example.org") == "mailto:a%3Fbcc%3Dx%26subject%3Dy@example.org"
    assert link_to("tel", "+44 20 7946 0018;phone-context=owned.test") == ""


class Links(HTMLParser):
    """The addresses of all links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs).get("href") or "")


@pytest.mark.parametrize("text", BAD)
def test_typed_as_anything_it_is_shown_and_no_link(tmp_path: Path, text: str) -> None:
    answers = {"name": text, "email": "ann@example.org", "phone": PHONE, "message": text, "site": text}
    with siege(tmp_path, ()) as house:
        assert house.app.test_client().post(ENDPOINT, data=answers).status_code == 303
        with house.house.database.read() as connection:
            key = connection.exec_driver_sql("SELECT id FROM inquiries").scalar_one()
        links = Links(house.client().get(f"/inbox/i/{key}").text).found
        assert "mailto:ann@example.org" in links
        assert [one for one in links if not one.startswith(("/", "#", "?", "mailto:ann@", "tel:+44"))] == []
