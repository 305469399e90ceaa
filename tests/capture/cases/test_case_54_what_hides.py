"""Case 54: what turns or hides text, and a domain that only looks like another, is shown with marks; search finds it.

Of files there are only names in text so far: what is uploaded waits for uploads.
"""

import re
from collections.abc import Iterator

import pytest

from capture.inbox.display import marked, visible
from capture.store import inquiries
from capture.store.inquiries import Query
from tests.capture.hostile import ENDPOINT, SIGNS, Page, Siege, siege

# Each sign as it is typed, what the inbox shows of it, and what finds it.
TYPED = (
    ("invoice\u202efdp.exe", "invoiceRLOfdp.exe", "invoicefdp.exe"),
    ("pay\u200bpal \u2066x\u2069 \ufeff", "payZWSPpal LRIxPDI BOM", "paypal"),
    ("аррle.com", "аррle.comxn--le-6kc8da.com", "аррle.com"),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with siege(tmp_path_factory.mktemp("signs"), SIGNS) as one:
        visitor = one.app.test_client()
        for number, (text, _, _) in enumerate(TYPED):
            sent = {"name": text, "email": f"bob{number}@example.org", "message": f"See {text} and https://{text}/"}
            assert visitor.post(ENDPOINT, data=sent).status_code == 303
        yield one


def test_what_hides_or_turns_text_is_shown() -> None:
    assert visible("evil\u202etxt.exe") == 'evil<span class="marked">RLO</span>txt.exe'
    assert visible("a\u200bb\ufeff\x07") == (
        'a<span class="marked">ZWSP</span>b<span class="marked">BOM</span><span class="marked">U+0007</span>'
    )
    assert visible("pay\u200dpal") == 'pay<span class="marked">ZWJ</span>pal'
    assert visible("two\nlines\tand") == "two\nlines\tand"


def test_joiners_stay_where_a_script_needs_them() -> None:
    for text in ("می\u200cخواهم", "👩\u200d🔬"):
        assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("see аррle.com now", "xn--le-6kc8da.com"),
        ("https://аррӏе.com/login", "xn--80ak6aa92e.com"),
        ("ann@рaypal.com", "xn--aypal-uye.com"),
        ("ann@müller.example", "xn--mller-kva.example"),
        ("http://пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("https://例え。テスト/", "xn--r8jz45g.xn--zckzah"),
        ("https://Straße.de", "xn--strae-oqa.de"),
        ("gοοgle.com", "xn--ggle-0nda.com"),
    ],
)
def test_a_domain_that_is_not_what_it_looks_like_has_its_own_spelling_beside_it(text: str, known: str) -> None:
    host = re.search(r"[\w-]+([.。][\w-]+)+", text.partition("@")[2] or text)
    assert host
    before, after = text.split(host[0])
    assert visible(text) == f'{before}{host[0]}<span class="marked">{known}</span>{after}'
    assert marked(text) == f"{before}{host[0]}[{known}]{after}"


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/für-sie ann@example.org www.example.org",
        "Grüße.Ich schreibe bald. Это так.Да, и всё. これは。テスト",
        "file.txt 1.5 a.b.c ...",
        "https:// @ ://. @. -.- " + "a" * 5000 + "." + "ж." * 5000,
    ],
)
def test_other_texts_are_shown_as_they_are(text: str) -> None:
    assert marked(text) == text
    assert visible(text) == text


def test_the_inbox_shows_each_with_its_marks(house: Siege) -> None:
    """In the list, on the inquiry's page, and in the title of a search."""
    listed = house.client().get("/inbox/?view=all").text
    for number, (text, shown, _) in enumerate(TYPED):
        row = found(house, f"bob{number}@example.org")
        for html in (listed, house.client().get(f"/inbox/i/{row}").text):
            assert (text, shown.strip() in Page(html).text) == (text, True)
            assert not set("\u202e\u202d\u2066\u200b\ufeff") & set(Page(html).text)
    title = house.client().get("/inbox/", query_string={"q": "аррle.com"}).text
    assert "аррle.com[xn--le-6kc8da.com]" in title


def found(house: Siege, text: str) -> str:
    """The one inquiry that a search finds."""
    with house.house.database.read() as connection:
        (row,) = inquiries.listing(connection, Query(view="all", text=text)).rows
    return row.id


def test_search_finds_what_hides(house: Siege) -> None:
    """Zero-width and turning characters do not keep an inquiry from being found."""
    for number, (_, _, text) in enumerate(TYPED):
        html = house.client().get("/inbox/", query_string={"view": "all", "q": text}).text
        assert (text, f"bob{number}@example.org" in html or html.count('class="open"') >= 1) == (text, True)
        with house.house.database.read() as connection:
            rows = inquiries.listing(connection, Query(view="all", text=text)).rows
        assert f"bob{number}@example.org" in {row.email for row in rows}
