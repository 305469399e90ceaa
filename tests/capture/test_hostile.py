"""Everything that attackers type, sent through the endpoint: kept as it was written, and inert wherever it is shown."""

import csv
import email
import email.policy
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from email.message import EmailMessage
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from capture import terminal
from capture.access import guard
from capture.inbox import display
from capture.outbox import webhook
from capture.outbox.letters import letter
from capture.outbox.worker import letterhead
from capture.reporting.rows import as_csv, as_table, rows
from capture.store import inquiries, outbox
from capture.store.inquiries import Query
from capture.store.outbox import STATES, Delivery
from capture.store.tables import metadata
from obverse.schema import FORBIDDEN
from tests.capture.hostile import (
    CELLS,
    ENDPOINT,
    MARKUP,
    PHONE,
    PROXY_HEADERS,
    SIGNS,
    TEMPLATES,
    TEXTS,
    Page,
    Siege,
    faults,
    headers_of,
    let_in,
    siege,
    typed,
)

PLAIN = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?"}
TOKEN = "0" * 32
FORM = "application/x-www-form-urlencoded"

# What may be asked of the list; a few texts of each kind stand for all where every one costs a page.
FILTERS = ("view", "sort", "page", "form", "owner", "stage", "q", "from", "open", "done", "wrong", "was", "offset", "x")
SOME = (*MARKUP[1:3], *MARKUP[6:8], *TEMPLATES[:3], SIGNS[0], "%", "x\0y", "\udc80", "9" * 30, "9" * 5000, "-1")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with siege(tmp_path_factory.mktemp("siege")) as one:
        let_in(one)
        yield one


@pytest.fixture(scope="module")
def keys(house: Siege) -> dict[int, str]:
    """The number of a text -> the id of the inquiry that has it."""
    with house.house.database.read() as connection:
        found = inquiries.listing(connection, Query(view="all", limit=500)).rows
    named = ((re.fullmatch(r"ann(\d+)@example\.org", row.email), row.id) for row in found)
    return {int(match[1]): id_ for match, id_ in named if match}


@pytest.fixture(scope="module")
def answered(house: Siege, keys: dict[int, str]) -> Siege:
    """The house after somebody has typed each text as a reply, a note, a reason, a stage and an owner."""
    client, csrf = house.client(), house.csrf
    for one in house.sent[::2]:
        place, text = f"/inbox/i/{keys[one.number]}", one.text
        assert client.post(f"{place}/note", data={"_csrf": csrf, "text": text}).status_code == 303
        told = {"_csrf": csrf, "subject": text, "text": text, "to": text, "author": text}
        assert client.post(f"{place}/reply", data=told).status_code == 303
        for action, given in (("stage", {"stage": "lost", "reason": text}), ("owner", {"owner": text})):
            said = client.post(f"{place}/{action}", data={"_csrf": csrf, **given})
            assert (said.status_code, said.location.partition("?")[2]) == (303, "wrong=change")
        assert client.post(f"{place}/stage", data={"_csrf": csrf, "stage": text}).status_code == 400
    return house


def deliveries(house: Siege, channel: str) -> list[Delivery]:
    with house.house.database.read() as connection:
        found = outbox.deliveries(connection, STATES, limit=1000)
    return [one for one in found if one.channel == channel]


def kept(text: str) -> str:
    """The text as the database has it: without what no text can hold, and nothing but its ends cut."""
    lines = re.sub("\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text)
    return FORBIDDEN.sub("", unicodedata.normalize("NFC", lines)).strip()


def squeezed(text: str) -> str:
    return " ".join(text.split())


# --- the visitor's side


def test_everything_is_taken_and_nothing_runs_on_the_pages_that_answer(house: Siege) -> None:
    for one in house.sent:
        assert (one.text, one.stored.status_code, one.thanks.status_code) == (one.text, 303, 200)
        assert (one.text, one.mend.status_code) == (one.text, 422)
        assert re.fullmatch("/_ob/t/[0-9a-f]{32}", one.stored.location)
        for page in (one.thanks, one.mend):
            assert (one.text, faults(page.text)) == (one.text, [])
            assert "Set-Cookie" not in page.headers
            assert page.text.count("<main") == page.text.count("<title>") == page.text.count("</html>") == 1


def test_what_was_written_stands_there_as_it_was_written(house: Siege) -> None:
    """Which also says that nothing was filled in, replaced or calculated."""
    for one in house.sent:
        name = squeezed(kept(one.values["name"]))
        assert f"Thank you, {name}:" in Page(one.thanks.text).text
        again = [squeezed(kept(value)) for value in Page(one.mend.text).values]
        assert not typed(one.text) or squeezed(kept(one.text)) in again


def test_problem_details_hold_nothing_but_json(house: Siege) -> None:
    client = house.app.test_client()
    for text in TEXTS:
        wrong = {"name": "", "email": text, "budget": text, text: text}
        response = client.post(ENDPOINT, json=wrong, headers={"Accept": "application/json"})
        assert response.mimetype == "application/problem+json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.json is not None
        assert response.json["status"] in (400, 422)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"name": "\ud800", "email": "a@example.org", "message": "x"}',
        rb'{"\udfff": "x", "name": "x", "email": "a@example.org", "message": "x"}',
        rb'{"name": ["\udc80", "x"], "email": "a@example.org", "message": "x"}',
        b'{"name": "\xed\xa0\x80", "email": "a@example.org"}',
        rb'{"name": "\u0000", "message": "x"}',
        rb'{"name": {"__proto__": "x"}, "constructor": {"prototype": {}}}',
        b"[" * 50_000,
        b'{"name": 1e999}',
        b'{"name": NaN}',
        b'{"a":' * 20_000,
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_json_that_no_text_can_hold_is_refused(house: Siege, body: bytes) -> None:
    for accept in ("application/json", "text/html"):
        headers = {"Accept": accept, "Content-Type": "application/json"}
        response = house.app.test_client().post(ENDPOINT, data=body, headers=headers)
        assert response.status_code in (400, 422)
        assert faults(response.text) == []


@pytest.mark.parametrize("text", [*SOME, "/\\owned.test", "//owned.test", "..%2f..%2fetc", "0" * 31 + "\u0660"])
def test_no_address_below_ob_fails_or_reflects(house: Siege, text: str) -> None:
    client = house.app.test_client()
    for path in ("/_ob/f/{}", "/_ob/t/{}", "/_ob/mail/{}", "/_ob/{}", "/_ob/t/{}/../../inbox"):
        for method in ("GET", "POST"):
            data = {**PLAIN, "x": _quoted(text)} if method == "POST" else None
            response = client.open(f"{path.format(_quoted(text))}?next={_quoted(text)}", method=method, data=data)
            assert response.status_code < 500
            assert (path, faults(response.text)) == (path, [])
            assert urlsplit(response.headers.get("Location", "")).netloc in ("", "localhost")


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))[:6000]


def test_headers_change_no_address_and_are_nowhere_shown(house: Siege) -> None:
    """A poisoned Host or X-Forwarded-Host leads nobody elsewhere."""
    client, staff = house.app.test_client(), house.client()
    for text in ("owned.test", 'owned.test"><script>owned(1)</script>', "owned.test/x?", "a b", "[::1", "\xff", "@x"):
        poison = {**headers_of(text), **dict.fromkeys(PROXY_HEADERS, text), "Host": text, "Forwarded": f"host={text}"}
        for response in (
            client.post(ENDPOINT, data=PLAIN, headers=poison),
            client.post(ENDPOINT, data={}, headers=poison),
            client.get("/_ob/t/none", headers=poison),
            client.get("/inbox/", headers=poison),
            client.get("/inbox/login", headers=poison),
            staff.get("/inbox/report", headers=poison),
            client.get("/_ob/bar.json?path=/contact/", headers=poison),
        ):
            assert response.status_code < 500
            assert urlsplit(response.headers.get("Location", "")).netloc in ("", "localhost")
            assert "owned" not in response.text
    for text in TEXTS:
        origin = {"Origin": re.sub(r"[\r\n\0]", "", text).encode().decode("latin-1")}
        response = client.post(ENDPOINT, data=PLAIN, headers=origin)
        assert response.status_code == 403
        assert faults(response.text) == []
        assert "Access-Control-Allow-Origin" not in response.headers


# --- the house's side


def test_nothing_runs_in_the_inbox(answered: Siege, keys: dict[int, str]) -> None:
    client = answered.client()
    paths = ["/inbox/?view=all", "/inbox/?view=all&from=50", "/inbox/export?view=all", "/inbox/report"]
    paths += ["/inbox/deliveries", "/inbox/sessions", "/inbox/?view=lost", "/_ob/mail/"]
    paths += [f"/inbox/i/{key}" for key in keys.values()] + [f"/inbox/i/{key}?pane=1" for key in [*keys.values()][:5]]
    for path in paths:
        response = client.get(path)
        assert (path, response.status_code, faults(response.text)) == (path, 200, [])
        assert response.headers["Content-Security-Policy"] == guard.CSP


def test_an_inquiry_shows_every_text_as_text(house: Siege, keys: dict[int, str]) -> None:
    """In the value, under its name, twice in an array, and with what hides in it named."""
    client = house.client()
    for one in house.sent:
        page = Page(client.get(f"/inbox/i/{keys[one.number]}").text)
        seen = squeezed(unescape(re.sub("<[^>]+>", "", str(display.visible(kept(one.text))))))
        told = unicodedata.normalize("NFC", page.text)
        assert seen in told
        assert squeezed(f"2 {seen}") in told
        assert not set("\u202e\u202d\u2066\u200b\ufeff\0\x1b") & set(page.text)


def test_a_link_is_made_of_nothing_but_addresses(house: Siege, keys: dict[int, str]) -> None:
    """What the form takes as a web address is one; all else would be a field error."""
    client = house.client()
    for key in keys.values():
        html = client.get(f"/inbox/i/{key}").text
        places = re.findall(r'<a [^>]*href="([^"]*)"', html.partition("<main")[2])
        outside = [place for place in places if not place.startswith(("/inbox/", "/contact", "/"))]
        assert [place for place in outside if not re.match(r"mailto:ann\d+@example\.org$|tel:\+44", place)] == []


@pytest.mark.parametrize("name", FILTERS)
def test_filters_reflect_text_or_refuse(house: Siege, name: str) -> None:
    client = house.client()
    for text in SOME:
        response = client.get(f"/inbox/?view=held&{name}={_quoted(text)}")
        assert (text, response.status_code in (200, 400), faults(response.text)) == (text, True, [])
        assert "\u202e" not in Page(response.text).text
        assert client.get(f"/inbox/export.csv?view=held&{name}={_quoted(text)}").status_code == response.status_code


@pytest.mark.parametrize(
    "path", ["/inbox/changes?since={}", "/inbox/i/{}", "/inbox/{}", "/inbox/enter/{}", "/_ob/bar.json?path={}"]
)
def test_every_other_address_reflects_nothing(house: Siege, path: str) -> None:
    client = house.app.test_client() if "enter" in path else house.client()
    for text in SOME:
        response = client.get(path.format(_quoted(text)))
        assert response.status_code in (200, 303, 308, 400, 404, 410)
        assert response.headers.get("Location", "/inbox/").startswith(("/inbox/", "http://localhost/inbox/"))
        assert response.is_json or faults(response.text) == []
        assert not response.is_json or (response.headers["X-Content-Type-Options"] == "nosniff" and response.json)


# --- what leaves the house


def test_no_cell_begins_a_formula_and_telephones_can_be_read(house: Siege) -> None:
    response = house.client().get("/inbox/export.csv?view=all")
    records = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))
    assert len(records) > len(TEXTS)
    assert len({len(record) for record in records}) == 1
    assert len(set(records[0])) == len(records[0])
    formula = re.compile("[\\s\u200b\ufeff]*[=+\\-@＝＋－＠]|[\t\r\n]")
    began = {cell for record in records for cell in record if formula.match(cell)}
    assert began == {PHONE}
    names = {record[records[0].index("Name")] for record in records}
    assert {f"'{text.strip()}" for text in CELLS[:4]} <= names
    with house.house.database.read() as connection:
        told = rows(connection, house.house.releases.current())
    assert not [line for line in as_csv(told, "EUR").splitlines() if formula.match(line)]


def test_the_json_export_is_raw_and_whole(house: Siege, keys: dict[int, str]) -> None:
    found = {one["id"]: one for one in json.loads(house.client().get("/inbox/export.json?view=all").data)}
    for one in house.sent:
        sent = found[keys[one.number]]["submissions"][0]
        assert sent["values"]["name"] == squeezed_lines(one.values["name"])
        name = next(iter(name for name in sent["extra"] if name not in ("list[]", "_ob_page") and "[0]" not in name))
        assert name == FORBIDDEN.sub("", name)
        assert [kept(text) for text in sent["extra"]["list[]"]] == [kept(one.text)] * 2


def squeezed_lines(text: str) -> str:
    return " ".join(filter(None, (part.strip() for part in kept(text).split("\n"))))


HEADER_NAMES = {
    *("Message-ID", "Date", "From", "To", "Reply-To", "Subject", "Auto-Submitted", "X-Obverse-Inquiry"),
    *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
}


def test_mail_has_our_headers_and_no_others(answered: Siege) -> None:
    head = letterhead(answered.house)
    mails = deliveries(answered, "mail")
    assert {one.kind for one in mails} == {"notify", "reply"}
    for one in mails:
        raw = letter(one, head).as_bytes()
        read = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
        assert read.defects == []
        assert set(read.keys()) <= HEADER_NAMES
        assert len(read.keys()) == len(set(read.keys()))
        assert [to.addr_spec for to in read["To"].addresses] == [one.target]
        assert [who.addr_spec for who in read["From"].addresses] == ["hello@house.test"]
        assert "owned@" not in str([to.addr_spec for to in read["Reply-To"].addresses])
        assert read.get_content_type() == "text/plain"
        assert not [value for value in map(str, read.values()) if re.search("[\x00-\x1f\x7f\u202a-\u202e]", value)]
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]", raw) is None


def test_a_reply_goes_to_the_visitor_only(answered: Siege) -> None:
    replies = [one for one in deliveries(answered, "mail") if one.kind == "reply"]
    assert len(replies) > 30
    assert all(re.fullmatch(r"ann\d+@example\.org", one.target) for one in replies)


def test_the_webhook_tells_json_with_what_was_sent(house: Siege) -> None:
    posts = deliveries(house, "webhook")
    assert len(posts) >= len(TEXTS)
    told = {}
    for one in posts:
        content = webhook.body(one, house.house.setup.address)
        assert len(content) < webhook.LARGEST
        data = json.loads(content)["data"]
        assert set(webhook.signed(one.id, one.created_at, content, (b"k" * 24,))) >= {"webhook-id", "webhook-signature"}
        told[data["email"]] = {answer["name"]: answer["value"] for answer in data["answers"]}
    for one in house.sent:
        assert told[one.values["email"]]["name"] == squeezed_lines(one.values["name"])


def test_a_preview_shows_each_mail_and_post_inert(answered: Siege) -> None:
    client = answered.client()
    for one in (*deliveries(answered, "mail"), *deliveries(answered, "webhook")[:20]):
        response = client.get(f"/_ob/mail/{one.id}")
        assert (response.status_code, faults(response.text)) == (200, [])
        assert response.headers["Content-Security-Policy"] == guard.CSP


def test_a_terminal_is_told_no_controls(
    answered: Siege, keys: dict[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for key in keys.values():
        assert terminal.inquiries_show(answered.root, key, preview=True) == 0
    assert terminal.inquiries_list(answered.root, "all", "", as_json=False, preview=True) == 0
    with answered.house.database.read() as connection:
        print(as_table(rows(connection, answered.house.releases.current())))
    said = capsys.readouterr().out
    assert len(said) > 10_000
    bad = {one for one in said if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n", "\u200d"}
    assert bad == set()


# --- whose it is


def staff_routes(house: Siege) -> Iterator[tuple[str, str]]:
    """(method, path) of all of the inbox that is not the door, with ids that nobody has."""
    for rule in house.app.url_map.iter_rules():
        if guard.is_staff(rule.rule) and rule.endpoint not in guard.OPEN:
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield method, rule.rule


def at(rule: str, key: str) -> str:
    return re.sub("<[^>]+>", key, rule)


def everything(house: Siege) -> dict[str, list[Any]]:
    """Every row of every table, but when a session was last used."""
    with house.house.database.read() as connection:
        return {
            table.name: connection.execute(sa.select(*(one for one in table.c if one.name != "seen_at"))).all()
            for table in metadata.sorted_tables
        }


def test_who_is_not_logged_in_sees_and_changes_nothing(house: Siege, keys: dict[int, str]) -> None:
    before = everything(house)
    for cookie in ("", house.secret[:-1], "' OR 1=1 --"):
        client = house.app.test_client()
        client.set_cookie(house.cookie["name"], cookie, domain="localhost")
        for method, rule in staff_routes(house):
            response = client.open(at(rule, keys[0]), method=method, data={"_csrf": house.csrf, "text": "x"})
            assert (method, rule, response.status_code) == (method, rule, 303)
            assert response.location.startswith("/inbox/login")
            assert "example.org" not in response.text
    assert everything(house) == before


def test_what_nobody_has_is_404(house: Siege) -> None:
    client, csrf, before = house.client(), house.csrf, everything(house)
    with_id = [(method, rule) for method, rule in staff_routes(house) if "<id>" in rule]
    assert len(with_id) >= 7
    for method, rule in with_id:
        for key in (TOKEN, "1", "%00", "%", "' OR 1=1 --"):
            given = {"_csrf": csrf, "text": "x", "subject": "x", "stage": "new", "owner": "ida"}
            response = client.open(at(rule, key), method=method, data=given if method == "POST" else None)
            assert (method, rule, key, response.status_code) == (method, rule, key, 404)
    assert everything(house) == before
