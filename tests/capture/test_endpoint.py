from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from capture.app import create_app
from capture.house import House
from capture.store.database import Unavailable
from capture.store.tables import answers, contacts, events, inquiries, outbox, submissions
from obverse.forms import Form, FormField, Slot
from tests.capture.house import CONTACT, CONTACT_DE, NOW, SETTINGS, Clock, a_house, no_sync, write_release

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")


ANSWERS = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?"}
PAGE = {"_ob_page": "articles/pricing.md", "_ob_version": CONTACT.version}
KEY = {"_ob_instance": "0f3c1b52-6a40-4d39-9d5e-1f2c3b4a5d6e"}
AS_JSON = {"Accept": "application/json"}
ARTICLE = {"Referer": "https://site.test/articles/pricing/"}
FORM = "/_ob/f/contact"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with a_house(tmp_path, database_url) as house:
        yield house


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A house where the kind of database makes no difference."""
    with a_house(tmp_path, sqlite_url) as house:
        yield house


def client(house: House) -> FlaskClient:
    app: Flask = create_app(house)
    app.testing = True
    return app.test_client()


def rows(house: House, table: sa.Table) -> list[dict[str, Any]]:
    with house.database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(table))]


def count(house: House, table: sa.Table = submissions) -> int:
    return len(rows(house, table))


def clock(house: House) -> Clock:
    assert isinstance(house.now, Clock)
    return house.now


def receipt(response: TestResponse) -> str:
    return response.headers["Location"].rpartition("/")[2]


# --- stored


def test_a_form_is_stored_and_thanked(house: House) -> None:
    browser = client(house)
    response = browser.post(FORM, data={**ANSWERS, **PAGE}, headers=ARTICLE)
    assert response.status_code == 303
    page = browser.get(response.headers["Location"], headers=ARTICLE)
    assert page.status_code == 200
    assert "<p>Thank you, Ann Example. A person will answer within one working day.</p>" in page.text
    assert '<link rel="stylesheet" href="/assets/app.css">' in page.text
    assert '<a href="/articles/two-sides/">Marketing vs. sales</a>' in page.text
    (stored,) = rows(house, submissions)
    assert stored["receipt"] == receipt(response)
    assert (stored["page"], stored["form"], stored["lang"]) == ("articles/pricing.md", "contact", "en")
    assert (stored["rules"], stored["words"]) == (CONTACT.rules, CONTACT.words)
    assert stored["network"] == "127.0.0.0/24"
    (answer,) = rows(house, answers)
    assert answer["values"] == {**ANSWERS, "budget": "", "news": False}
    assert answer["consents"] == [["news", "I agree to receive one article a month.", False]]
    assert [one["email"] for one in rows(house, contacts)] == ["ann@example.org"]
    assert [one["kind"] for one in rows(house, events)] == ["received"]
    assert [one["target"] for one in rows(house, outbox)] == ["sales@house.test"]


def test_json_says_what_it_is_called(house: House) -> None:
    response = client(house).post(FORM, json={**ANSWERS, **PAGE, **KEY}, headers=AS_JSON)
    assert response.status_code == 201
    (stored,) = rows(house, submissions)
    assert response.json == {
        "id": stored["id"],
        "receipt": stored["receipt"],
        "message": "Thank you, Ann Example. A person will answer within one working day.",
        "next": f"/_ob/t/{stored['receipt']}",
    }


@pytest.mark.parametrize("sent", ["urlencoded", "multipart", "json"])
def test_all_bodies_say_the_same(desk: House, sent: str) -> None:
    plain = {**ANSWERS, "message": "Grüße\n& <b>so</b> €", "budget": "middle"}
    given: dict[str, Any] = {
        "urlencoded": {"data": plain},
        "multipart": {"data": plain, "content_type": "multipart/form-data"},
        "json": {"json": plain},
    }[sent]
    assert client(desk).post(FORM, **given).status_code == 303
    assert rows(desk, answers)[0]["values"] == {**plain, "news": False}


def test_the_same_instance_is_stored_once(house: House) -> None:
    browser = client(house)
    sent = {**ANSWERS, **PAGE, **KEY}
    pages = [browser.post(FORM, data=sent).headers["Location"] for _ in range(3)]
    assert len(set(pages)) == 1
    first = browser.post(FORM, data=sent, headers=AS_JSON)
    assert first.status_code == 200
    assert first.headers["Idempotency-Replayed"] == "true"
    assert first.json is not None
    assert first.json["next"] == pages[0]
    assert count(house) == count(house, inquiries) == count(house, outbox) == 1


def test_the_replayed_body_is_the_first_one(house: House) -> None:
    browser = client(house)
    first, second = (browser.post(FORM, json={**ANSWERS, **KEY}, headers=AS_JSON) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json


def test_another_process_answers_alike(house: House, tmp_path: Path) -> None:
    first = client(house).post(FORM, data={**ANSWERS, **KEY})
    with a_house(tmp_path, house.setup.secrets.database) as other:
        second = client(other).post(FORM, data={**ANSWERS, **KEY})
        assert second.headers["Location"] == first.headers["Location"]
        assert count(other) == 1


def test_a_corrected_typo_is_a_follow_up(house: House) -> None:
    browser = client(house)
    first = browser.post(FORM, data={**ANSWERS, **KEY})
    second = browser.post(FORM, json={**ANSWERS, **KEY, "message": "What does it cost today?"}, headers=AS_JSON)
    assert second.status_code == 201
    assert second.json is not None
    assert second.json["receipt"] != receipt(first)
    assert count(house) == 2
    assert count(house, inquiries) == 1
    assert browser.get(second.json["next"]).status_code == 200


def test_a_double_click_without_a_script_is_one(house: House) -> None:
    browser = client(house)
    first, second = (browser.post(FORM, data=ANSWERS) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert count(house) == 1
    clock(house).move(minutes=11)
    assert browser.post(FORM, data=ANSWERS).headers["Location"] != first.headers["Location"]
    assert count(house, inquiries) == 2


@pytest.mark.parametrize(
    ("signal", "reasons"),
    [
        ({"_ob_trap": "http://spam.test"}, "trap"),
        ({"_ob_elapsed": "300"}, "fast"),
        ({"_ob_trap": "x", "_ob_elapsed": "0"}, "trap fast"),
        ({"_ob_elapsed": "1500", "_ob_trap": ""}, ""),
        ({"_ob_elapsed": ""}, ""),
        ({"_ob_elapsed": "soon"}, ""),
        ({"_ob_elapsed": "-5"}, ""),
        ({"_ob_elapsed": "9" * 5000}, ""),
    ],
)
def test_suspects_are_held_and_answered_like_all(desk: House, signal: dict[str, str], reasons: str) -> None:
    browser = client(desk)
    response = browser.post(FORM, data={**ANSWERS, **signal})
    assert response.status_code == 303
    assert "Thank you, Ann Example" in browser.get(response.headers["Location"]).text
    (inquiry,) = rows(desk, inquiries)
    assert inquiry["held_reasons"] == reasons
    assert bool(inquiry["held"]) is bool(reasons)
    assert count(desk, outbox) == (0 if reasons else 1)


# --- versions, languages, pages


def test_yesterdays_page_is_taken_by_yesterdays_rules(desk: House, tmp_path: Path) -> None:
    company = replace(CONTACT.fields[0], name="company", label="Company", required=True)
    now = replace(CONTACT, fields=(*CONTACT.fields, company), notify=("new@house.test",))
    write_release(tmp_path / "release", forms=(now,))
    desk.releases._looked = None
    browser = client(desk)
    assert browser.post(FORM, data={**ANSWERS, "_ob_version": CONTACT.version}).status_code == 303
    assert browser.post(FORM, data={**ANSWERS, "_ob_version": "never.published"}).status_code == 422
    assert browser.post(FORM, data=ANSWERS).status_code == 422
    assert rows(desk, submissions)[0]["rules"] == CONTACT.rules
    assert rows(desk, outbox)[0]["target"] == "new@house.test", "who is told is who is told today"


def test_a_form_taken_off_the_site_is_taken_from_a_cached_page(desk: House, tmp_path: Path) -> None:
    write_release(tmp_path / "release", forms=())
    desk.releases._looked = None
    browser = client(desk)
    assert browser.post(FORM, data={**ANSWERS, **PAGE}).status_code == 303
    assert browser.post(FORM, data=ANSWERS).status_code == 404


def test_the_visitors_language_is_spoken(desk: House) -> None:
    browser = client(desk)
    refused = browser.post(FORM, data={"_ob_version": CONTACT_DE.version})
    assert '<html lang="de">' in refused.text
    assert "Wie können wir helfen?" in refused.text
    stored = browser.post(FORM, data={**ANSWERS, "_ob_version": CONTACT_DE.version})
    page = browser.get(stored.headers["Location"])
    assert "<h1>Danke</h1>" in page.text
    assert "<p>Danke, Ann Example.</p>" in page.text
    assert rows(desk, submissions)[0]["lang"] == "de"
    by_page = browser.post(FORM, data={"_ob_page": "contact.md#de"})
    assert "Wie können wir helfen?" in by_page.text
    assert '<html lang="de">' in browser.post("/_ob/f/x", headers={"Accept-Language": "de-AT"}, data={}).text


@pytest.mark.parametrize(
    ("named", "referrer", "page", "kept"),
    [
        ("articles/pricing.md", "", "articles/pricing.md", None),
        ("", "https://site.test/articles/pricing/?x=1", "articles/pricing.md", None),
        ("", "https://site.test/talk/", "contact.md", None),
        ("gone.md", "https://site.test/contact/", "contact.md", ["gone.md"]),
        ("<script>", "", "", ["<script>"]),
        ("", "", "", None),
    ],
)
def test_the_page_is_known(desk: House, named: str, referrer: str, page: str, kept: list[str] | None) -> None:
    client(desk).post(FORM, data={**ANSWERS, "_ob_page": named}, headers={"Referer": referrer} if referrer else {})
    (stored,) = rows(desk, submissions)
    assert stored["page"] == page
    assert rows(desk, answers)[0]["extra"].get("_ob_page") == kept
    assert stored["referrer"] == ""


def test_a_foreign_referrer_is_kept_as_its_host(desk: House) -> None:
    client(desk).post(FORM, data=ANSWERS, headers={"Referer": "https://other.test/secret?q=1"})
    assert rows(desk, submissions)[0]["referrer"] == "other.test"


def test_what_the_form_does_not_know_is_kept_and_means_nothing(desk: House) -> None:
    sly = {"status": "won", "stage": "won", "owner": "me", "id": "1", "held": "0", "received_at": "1970", "value": "9"}
    client(desk).post(FORM, data={**ANSWERS, **sly})
    assert rows(desk, answers)[0]["extra"] == {name: [value] for name, value in sly.items()}
    (inquiry,) = rows(desk, inquiries)
    assert (inquiry["stage"], inquiry["owner"], inquiry["value"]) == ("new", None, None)
    assert inquiry["id"] != "1"


# --- refused


def test_field_errors_show_the_form_again(house: House) -> None:
    sent = {**ANSWERS, **PAGE, "email": "ann@", "utm": 'spring"><b>', "budget": "large"}
    response = client(house).post(FORM, data=sent)
    assert response.status_code == 422
    text = response.text
    assert 'value="Ann Example"' in text
    assert 'value="ann@"' in text
    assert 'value="large" checked' in text
    assert "What does it cost?</textarea>" in text
    assert '<input type="hidden" name="utm" value="spring&quot;&gt;&lt;b&gt;">' in text
    assert '<input type="hidden" name="_ob_page" value="articles/pricing.md">' in text
    assert 'href="#form-contact-email"' in text
    assert 'role="alert" tabindex="-1" autofocus' in text
    assert count(house) == count(house, contacts) == count(house, events) == 0


def test_the_form_shown_again_can_be_sent(desk: House) -> None:
    browser = client(desk)
    refused = browser.post(FORM, data={**ANSWERS, "email": "ann@"}, headers=ARTICLE)
    hidden = dict(_hidden(refused.text))
    twice = [
        browser.post(FORM, data={**ANSWERS, **hidden}, headers={"Referer": "https://site.test" + FORM}) for _ in "12"
    ]
    assert {one.status_code for one in twice} == {303}
    assert rows(desk, submissions)[0]["page"] == "articles/pricing.md", "found by the first Referer, kept in the form"
    assert count(desk) == 1


def _hidden(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split('<input type="hidden" name="')[1:]:
        name, _, rest = part.partition('" value="')
        yield name, unescape(rest.partition('"')[0])


def test_field_errors_as_problem_details(house: House) -> None:
    response = client(house).post(FORM, json={"name": "Ann"}, headers=AS_JSON)
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert response.json is not None
    assert response.json["status"] == 422
    assert [(one["field"], one["code"]) for one in response.json["errors"]] == [
        ("email", "required"),
        ("message", "required"),
    ]
    assert all(one["message"] for one in response.json["errors"])


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"data": "x" * 300_000, "content_type": "application/x-www-form-urlencoded"}, 413, "Too long"),
        ({"data": "&a=b" * 1000, "content_type": "application/x-www-form-urlencoded"}, 413, "Too long"),
        ({"data": "{}", "content_type": "text/plain"}, 415, "could not read"),
        ({"data": "{}"}, 415, "could not read"),
        ({"data": "{}", "content_type": "application/json", "headers": {"Content-Encoding": "gzip"}}, 415, "could not"),
        ({"data": "{", "content_type": "application/json"}, 400, "could not read"),
        ({"data": "x", "content_type": "multipart/form-data"}, 400, "could not read"),
    ],
)
def test_what_cannot_be_read_is_told(desk: House, request_: dict[str, Any], status: int, words: str) -> None:
    browser = client(desk)
    page = browser.post(FORM, **request_)
    assert page.status_code == status
    assert words in page.text
    assert "mailto:hello@house.test" in page.text
    as_json = browser.post(FORM, **{**request_, "headers": {**request_.get("headers", {}), **AS_JSON}})
    assert as_json.status_code == status
    assert as_json.json is not None
    assert as_json.json["status"] == status
    assert count(desk) == 0


def test_an_unknown_form_keeps_what_was_written(desk: House) -> None:
    response = client(desk).post("/_ob/f/conatct", data={**ANSWERS, "message": "<i>\nlong"}, headers=ARTICLE)
    assert response.status_code == 404
    assert "<dd>&lt;i&gt;\nlong</dd>" in response.text
    assert "Back to “What a price says”" in response.text


def test_a_file_is_refused_and_the_text_kept(desk: House) -> None:
    browser = client(desk)
    with_file = {**ANSWERS, "cv": (BytesIO(b"%PDF"), "cv.pdf")}
    response = browser.post(FORM, data=with_file)
    assert response.status_code == 415
    assert "cannot take files" in response.text
    assert "What does it cost?</textarea>" in response.text
    assert count(desk) == 0
    nothing_chosen = {**ANSWERS, "cv": (BytesIO(b""), "")}
    assert browser.post(FORM, data=nothing_chosen, content_type="multipart/form-data").status_code == 303


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_told_the_way(desk: House, method: str) -> None:
    response = client(desk).open(FORM, method=method, headers=ARTICLE)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert '<a href="/articles/pricing/">' in response.text


def test_too_many_keep_the_text(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path, sqlite_url, settings=replace(SETTINGS, proofs=1)) as house:
        too_many_keep_the_text(house)


def too_many_keep_the_text(desk: House) -> None:
    browser = client(desk)
    for number in range(SETTINGS.rate):
        assert browser.post(FORM, data={**ANSWERS, "message": f"number {number}"}).status_code == 303
    page = browser.post(FORM, data={**ANSWERS, "message": "one too many"})
    assert page.status_code == 429
    assert "one too many</textarea>" in page.text
    assert "mailto:hello@house.test" in page.text
    assert 0 < int(page.headers["Retry-After"]) <= 600
    as_json = browser.post(FORM, json=ANSWERS, headers=AS_JSON)
    assert as_json.status_code == 429
    assert "Retry-After" in as_json.headers
    assert count(desk) == SETTINGS.rate
    assert browser.post("/_ob/f/guide", data={"email": "a@example.org"}).status_code == 303, "each form by itself"
    clock(desk).move(seconds=int(page.headers["Retry-After"]))
    assert browser.post(FORM, data={**ANSWERS, "message": "one too many"}).status_code == 303


def test_a_forged_address_does_not_help(tmp_path: Path, sqlite_url: str) -> None:
    changed = replace(SETTINGS, rate=2)
    with a_house(tmp_path, sqlite_url, settings=changed, proxies=1) as house:
        browser = client(house)
        seen = []
        for number in range(3):
            claimed = {"X-Forwarded-For": f"10.{number}.0.1, 203.0.113.{number}"}
            seen.append(browser.post(FORM, data={**ANSWERS, "message": str(number)}, headers=claimed).status_code)
        assert seen == [303, 303, 200]
        assert {one["network"] for one in rows(house, submissions)} == {"203.0.113.0/24"}


# --- where it comes from


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 303),
        ("null", 303),
        ("https://site.test", 303),
        ("http://localhost", 303),
        ("https://evil-site.test", 403),
        ("https://site.test.evil.test", 403),
        ("http://site.test", 403),
        ("https://site.test:8443", 403),
        ("garbage", 403),
        ("", 303),
        ("http://[", 403),
    ],
)
def test_only_our_own_pages_send(desk: House, origin: str | None, status: int) -> None:
    response = client(desk).post(FORM, data=ANSWERS, headers={} if origin is None else {"Origin": origin})
    assert response.status_code == status
    assert "Access-Control-Allow-Origin" not in response.headers
    assert count(desk) == (1 if status == 303 else 0)
    if status == 403:
        assert "What does it cost?" in response.text


@pytest.fixture
def away(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """The endpoint of a static site that is on another host."""
    changed = replace(SETTINGS, url="https://static.test/blog", base_path="/blog", origin="https://ask.test")
    with a_house(tmp_path, sqlite_url, settings=changed, address="https://ask.test") as house:
        yield house


def test_a_static_host_elsewhere_may_ask(away: House) -> None:
    browser = client(away)
    origin = {"Origin": "https://static.test"}
    preflight = browser.options(FORM, headers={**origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://static.test"
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"
    response = browser.post(FORM, json=ANSWERS, headers={**origin, **AS_JSON})
    assert response.status_code == 201
    assert response.headers["Access-Control-Allow-Origin"] == "https://static.test"
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Origin" in response.headers["Vary"]
    assert response.json is not None
    assert response.json["next"].startswith("https://ask.test/_ob/t/")
    refused = browser.post(FORM, json={}, headers={**origin, **AS_JSON})
    assert refused.headers["Access-Control-Allow-Origin"] == "https://static.test", "the script must read errors"


@pytest.mark.parametrize(
    "origin", ["https://evil-static.test", "https://static.test.evil.test", "null", "http://static.test"]
)
def test_nobody_else_may(away: House, origin: str) -> None:
    browser = client(away)
    for response in (browser.options(FORM, headers={"Origin": origin}), browser.post(FORM, headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in response.headers


def test_answers_of_another_host_wear_the_sites_theme(away: House) -> None:
    browser = client(away)
    referrer = {"Referer": "https://static.test/blog/articles/pricing/", "Origin": "https://static.test"}
    response = browser.post(FORM, data=ANSWERS, headers=referrer)
    assert response.headers["Location"].startswith("https://ask.test/_ob/t/")
    page = browser.get(response.headers["Location"].removeprefix("https://ask.test"), headers=referrer)
    assert '<link rel="stylesheet" href="https://static.test/assets/app.css">' in page.text
    assert '<a href="https://static.test/blog/articles/two-sides/">' in page.text
    assert "style-src 'self' https://static.test;" in page.headers["Content-Security-Policy"]
    assert rows(away, submissions)[0]["page"] == "articles/pricing.md"
    refused = browser.post(FORM, data={"x": ""}, headers=referrer)
    assert 'action="/_ob/f/contact"' in refused.text


def test_a_base_path_is_part_of_every_address(tmp_path: Path, sqlite_url: str) -> None:
    changed = replace(SETTINGS, url="https://site.test/blog", base_path="/blog")
    given = {"settings": changed, "base_path": "/blog", "address": "https://site.test/blog"}
    with a_house(tmp_path, sqlite_url, **given) as house:
        browser = client(house)
        response = browser.post("/blog" + FORM, data=ANSWERS)
        assert response.headers["Location"].startswith("/blog/_ob/t/")
        page = browser.get(response.headers["Location"])
        assert '<a href="/blog/articles/two-sides/">' in page.text
        assert 'action="/blog/_ob/f/contact"' in browser.post("/blog" + FORM, data={"x": ""}).text
        assert browser.get("/blog/healthz").status_code == 200


# --- the thank-you page


def test_a_day_and_an_amount_are_kept_and_seen_as_they_were_asked_for(tmp_path: Path) -> None:
    visit = Form(
        name="visit",
        lang="en",
        title="Visit",
        submit="Send",
        fields=(FormField("day", "date", earliest="today"), FormField("worth", "money", currency="USD")),
        thanks=("<p>On ", Slot("day"), " for ", Slot("worth"), "</p>"),
    )
    with a_house(tmp_path, forms=(visit,)) as house:
        browser = client(house)
        day = (NOW + timedelta(days=3)).date().isoformat()
        sent = browser.post("/_ob/f/visit", data={"day": day, "worth": "1200.50"})
        assert f"<p>On {day} for 1,200.50 USD</p>" in browser.get(sent.headers["Location"]).text
        (stored,) = rows(house, answers)
        assert stored["values"] == {"day": day, "worth": 1200.5}
        late = browser.post(
            "/_ob/f/visit", data={"day": "2020-01-31", "worth": "1"}, headers={"Accept": "application/json"}
        )
        assert [one["code"] for one in late.get_json()["errors"]] == ["past"]


def test_the_thank_you_page_forgets_after_an_hour(house: House) -> None:
    browser = client(house)
    where = browser.post(FORM, data={**ANSWERS, **KEY}).headers["Location"]
    clock(house).move(minutes=59)
    assert "Ann Example" in browser.get(where).text
    clock(house).move(minutes=1)
    page = browser.get(where)
    assert page.status_code == 200
    assert "Ann Example" not in page.text
    assert "Your message has arrived" in page.text


def test_the_thank_you_page_is_nobody_elses(desk: House) -> None:
    browser = client(desk)
    where = browser.post(FORM, data=ANSWERS).headers["Location"]
    headers = browser.get(where).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert browser.post(where).status_code == 405


@pytest.mark.parametrize("receipt", ["0" * 32, "f" * 31, "..", "%00", "x" * 5000, "' OR 1=1 --", "%F0%28"])
def test_an_unknown_receipt_is_a_page_of_the_theme(house: House, receipt: str) -> None:
    page = client(house).get(f"/_ob/t/{receipt}")
    assert page.status_code == 404
    assert "<header>Two Sides</header>" in page.text


def test_nothing_a_visitor_writes_is_filled_again(desk: House) -> None:
    browser = client(desk)
    name = "{email} %%MAIN%% {{ 7*7 }} $& \\1 <script>alert(1)</script>"
    where = browser.post(FORM, data={**ANSWERS, "name": name}).headers["Location"]
    page = browser.get(where).text
    assert "Thank you, {email} %%MAIN%% {{ 7*7 }} $&amp; \\1 &lt;script&gt;alert(1)&lt;/script&gt;." in page


def test_a_host_that_is_none_is_answered_in_the_theme(desk: House) -> None:
    answer = client(desk).post(FORM, data=ANSWERS, headers={"Host": "."})
    assert (answer.status_code, "Two Sides" in answer.text) == (400, True)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_another_address_below_ob_is_a_page_of_the_theme(desk: House) -> None:
    page = client(desk).get("/_ob/nowhere/at/all")
    assert page.status_code == 404
    assert "<header>Two Sides</header>" in page.text
    assert page.headers["Cache-Control"] == "no-store"


# --- kept verbatim


HOSTILE = (
    "http://x' onmouseover=alert(1) ",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "=HYPERLINK(1)",
    "{% import os %}",
    "a\r\nBcc: x@evil.test",
    "\u202egnp.exe",
    "'; DROP TABLE submissions; --",
    "\U0001f600 \u0000 \ufffe",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_kept_and_inert(house: House, text: str) -> None:
    browser = client(house)
    kept = text.replace("\r\n", "\n").strip()
    refused = browser.post(FORM, data={text: text, "message": text, "email": text}, headers={"Referer": f"/{text!r}"})
    assert refused.status_code == 422
    assert "<img src=x" not in refused.text
    assert "' onmouseover" not in refused.text
    clean = "\0" not in text
    sent = {**ANSWERS, text: text, "message": text if clean else "x"}
    assert browser.post(FORM, data=sent).status_code == 303
    (stored,) = rows(house, answers)
    if clean:
        assert stored["values"]["message"] == kept
        assert list(stored["extra"].values()) == [[kept]]


# --- when things are broken


def refuse(*_: object, **__: object) -> Any:
    raise Unavailable("away")


def test_while_the_database_is_away_the_answer_is_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = client(house)
    woken = []
    object.__setattr__(house, "wake", lambda: woken.append(1))
    monkeypatch.setattr(type(house.database), "write", refuse)
    monkeypatch.setattr(type(house.database), "read", refuse)
    page = browser.post(FORM, data={**ANSWERS, **KEY})
    assert page.status_code == 303
    as_json = browser.post(FORM, json={**ANSWERS, **KEY}, headers=AS_JSON)
    assert as_json.status_code == 201
    assert as_json.json is not None
    assert as_json.json["next"] == page.headers["Location"]
    thanked = browser.get(page.headers["Location"])
    assert thanked.status_code == 200
    assert "Ann" not in thanked.text
    assert browser.get("/healthz").json == {
        "database": "unavailable",
        "spool": "ok",
        "delivery": "unavailable",
    }
    monkeypatch.undo()
    waiting = browser.get(page.headers["Location"])
    assert waiting.status_code == 200, "it is in the spool, not in the database yet"
    assert len(list(house.spool.glob("*.json"))) == 1
    assert woken


def test_a_fault_of_the_program_loses_nothing(desk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("capture.endpoint.save", broken)
    assert client(desk).post(FORM, data=ANSWERS).status_code == 303
    assert len(list(desk.spool.glob("*.json"))) == 1


def test_when_nothing_can_be_stored_the_text_stays(desk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(desk.database), "write", refuse)
    desk.spool.write_text("a file where the folder should be")
    browser = client(desk)
    page = browser.post(FORM, data={**ANSWERS, **KEY})
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "60"
    assert "What does it cost?</textarea>" in page.text
    assert KEY["_ob_instance"] in page.text
    assert "mailto:hello@house.test" in page.text
    as_json = browser.post(FORM, json=ANSWERS, headers=AS_JSON)
    assert as_json.status_code == 503
    assert as_json.json is not None
    assert as_json.json["retryable"] is True
    assert browser.get("/healthz").status_code == 503


def test_nobody_is_thanked_before_the_commit(desk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    commit = sa.engine.Transaction.commit

    def committing(self: sa.engine.Transaction) -> None:
        commit(self)
        order.append("commit")

    monkeypatch.setattr(sa.engine.RootTransaction, "commit", committing)
    object.__setattr__(desk, "wake", lambda: order.append("wake"))
    app = create_app(desk)
    inner = app.wsgi_app

    def told(environ: Any, start: Any) -> Any:
        return inner(environ, lambda *given: (order.append("answer"), start(*given))[1])

    app.wsgi_app = told  # type: ignore[method-assign]
    app.test_client().post(FORM, data=ANSWERS)
    assert order == ["commit", "wake", "answer"]


def test_health_is_told_in_words(desk: House) -> None:
    response = client(desk).get("/healthz")
    assert response.json == {"database": "ok", "spool": "ok", "delivery": "ok"}
    assert response.headers["Cache-Control"] == "no-store"
    assert not list(desk.spool.iterdir())


def test_logs_hold_nothing_personal(
    desk: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = client(desk)
    browser.post(FORM, data=ANSWERS)
    monkeypatch.setattr(type(desk.database), "write", refuse)
    browser.post(FORM, data={**ANSWERS, "message": "another"})
    desk.spool.joinpath("bad").mkdir()
    assert caplog.records
    assert not any(word in caplog.text for word in ("Ann", "ann@", "cost", "another", "127.0.0.1"))


# --- whatever comes

TEXT = st.text(max_size=40)
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40)
NAMES = st.sampled_from([*ANSWERS, *PAGE, "_ob_trap"]) | TEXT
BODY = st.binary(max_size=200) | st.dictionaries(NAMES, TEXT, max_size=6).map(lambda pairs: urlencode(pairs).encode())
PATH = st.tuples(st.sampled_from([FORM, "/_ob/f/", "/_ob/t/", "/_ob/"]), TEXT).map("".join)
KINDS = ("application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b")
HEADERS = ("Accept", "Accept-Language", "Referer", "Origin", "X-Forwarded-For", "Host", "Cookie")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for all that a machine can think of; nothing is limited."""
    with a_house(tmp_path_factory.mktemp("house"), settings=replace(SETTINGS, rate=0), proxies=1) as house:
        app = create_app(house)
        app.testing = True
        yield app


@given(
    path=PATH,
    method=st.sampled_from(["POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT"]),
    body=BODY,
    kind=st.sampled_from(KINDS) | HEADER,
    headers=st.dictionaries(st.sampled_from(HEADERS), HEADER),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
def test_nothing_that_comes_is_a_fault(
    standing: Flask, path: str, method: str, body: bytes, kind: str, headers: dict[str, str]
) -> None:
    environ = EnvironBuilder(method=method, data=body).get_environ()
    environ |= {"PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"), "CONTENT_TYPE": kind}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    answer, status, sent = run_wsgi_app(standing.wsgi_app, environ, buffered=True)
    b"".join(answer)
    assert int(status[:3]) < 500
    if not status.startswith("308"):
        assert "unsafe" not in sent["Content-Security-Policy"]
