"""The inbox as a browser without scripts has it: real requests to the whole application."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from capture.inbox import assets
from capture.inbox.words import words_of
from capture.model import Consent
from capture.store import inquiries, outbox
from capture.store.database import Database, Unavailable
from capture.store.inquiries import Inquiry, Query
from capture.store.saving import save
from tests.capture.demo import CASES, NOW, PEOPLE, demo_house
from tests.capture.inbox_room import Room, room
from tests.capture.samples import make_submission

INBOX = Path(assets.__file__).parent


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full inbox, closed, to copy."""
    folder = tmp_path_factory.mktemp("full")
    demo_house(folder).database.close()
    return folder


@pytest.fixture
def desk(full: Path, tmp_path: Path) -> Iterator[Room]:
    """A full inbox, for tests that change it."""
    with room(tmp_path, like=full) as one:
        yield one


@pytest.fixture(scope="module")
def shown(full: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The same, for tests that only look."""
    with room(tmp_path_factory.mktemp("room"), like=full) as one:
        yield one


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Room]:
    """An inbox that nobody has written to yet."""
    with room(tmp_path, filled=False) as one:
        yield one


def id_of(one: Room, text: str) -> str:
    """The newest inquiry that says so."""
    with one.house.database.read() as connection:
        return inquiries.listing(connection, Query(view="all", text=text, sort="newest")).rows[0].id


def stored(one: Room, id: str) -> Inquiry:
    with one.house.database.read() as connection:
        found = inquiries.detail(connection, id)
    assert found is not None
    return found


def get(one: Room, path: str, status: int = 200) -> str:
    response = one.client().get(path)
    assert response.status_code == status, response.text
    return response.text


def post(one: Room, path: str, **fields: str) -> str:
    """Where a form leads."""
    response = one.client().post(path, data={"_csrf": one.token, **fields})
    assert response.status_code == 303, response.text
    return response.headers["Location"]


def text_of(html: str) -> str:
    """What a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<svg.*?</svg>", "", html)).split())


# --- the list ---


def test_the_list_begins_with_who_waits_longest(shown: Room) -> None:
    html = get(shown, "/inbox/")
    names = re.findall(r'class="name" dir="auto">([^<]+)', html)
    assert names[:3] == ["Marisol Brandt", "Abel Ferreira", "Odalys Prieto"]
    assert html.count(" longest") == 1
    row = text_of(html[html.index("longest") : html.index("</tr>", html.index("longest"))])
    assert "waits 3 days Marisol Brandt We make cider" in row
    assert "The agreement between marketing and sales Talk to us Nobody New" in row
    assert row.endswith("3 d")


@pytest.mark.parametrize("view, count", [("open", 25), ("mine", 7), ("held", 3), ("won", 6), ("lost", 6), ("all", 40)])
def test_views_say_how_many_there_are(shown: Room, view: str, count: int) -> None:
    html = get(shown, f"/inbox/?view={view}")
    assert len(re.findall(r'<tr role="row" class="row', html)) == count
    assert f'aria-current="page">{view.title()} <span class="count">{count}</span>' in html


def test_sorts_filters_and_search(shown: Room) -> None:
    won = get(shown, "/inbox/?view=won&sort=value")
    assert re.findall(r'class="money">([^<]+)', won)[:2] == ["23,750.50 USD", "14,500 USD"]
    assert 'aria-sort="descending"><a' in won
    assert "Hanneke de Wit" in get(shown, "/inbox/?stage=qualified&owner=marit")
    assert "Jonah Pell" not in get(shown, "/inbox/?form=guide")
    assert text_of(get(shown, "/inbox/?page=articles/contact-forms.md&view=all")).count("Contact forms people") >= 2
    found = get(shown, "/inbox/?q=CIDER+wholesale")
    assert "Marisol Brandt" in found
    assert "Abel" not in found


def test_pages_of_the_list_are_plain_links(desk: Room) -> None:
    with desk.house.database.write() as connection:
        for number in range(60):
            values = {"name": f"Person {number}", "message": "x"}
            save(connection, make_submission(values=values, received_at=NOW), [], desk.house.token)
    first = get(desk, "/inbox/")
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    assert 'rel="prev"' not in first
    second = get(desk, older[1])
    assert "51 to 85 of 85" in text_of(second)
    assert 'rel="prev" href="/inbox/"' in second
    assert "longest" not in second


def test_what_is_asked_for_that_is_not_there_is_told(shown: Room) -> None:
    for path in (
        "/inbox/?view=nope",
        "/inbox/?sort=id;DROP",
        "/inbox/?stage=x",
        "/inbox/?from=x",
        "/inbox/export?view=x",
    ):
        assert "That was not understood" in get(shown, path, 400)
    for path in ("/inbox/nowhere", "/inbox/i/" + "0" * 32, "/inbox/i/x", "/inbox/static/inbox.css", "/inbox/static/x"):
        assert "This is not here" in get(shown, path, 404)


@pytest.mark.parametrize("hostile", ['"><script>alert(1)</script>', "{{7*7}}", "' onmouseover=x ", "%", "a" * 5000])
def test_filters_are_reflected_as_text(shown: Room, hostile: str) -> None:
    for name in ("q", "owner", "form", "page", "open", "done", "was", "wrong"):
        html = shown.client().get("/inbox/", query_string={name: hostile}).text
        assert "<script>alert" not in html
        assert "' onmouseover" not in html
        assert ">49<" not in html


def test_an_empty_inbox_teaches(bare: Room) -> None:
    html = get(bare, "/inbox/")
    assert "No inquiry yet" in html
    assert "The form on “Talk to us” is live" in html
    assert '<a href="/contact/">' in html
    for view in ("mine", "held", "won", "lost"):
        assert words_of("en")[f"empty.{view}"] in get(bare, f"/inbox/?view={view}")
    assert "Nothing found" in get(bare, "/inbox/?q=zebra")
    assert "Nothing to report yet" in get(bare, "/inbox/report")
    assert "Everything has arrived" in get(bare, "/inbox/deliveries")


def test_the_list_shows_an_inquiry_beside_itself_without_a_script(shown: Room) -> None:
    key = id_of(shown, "wholesale")
    html = get(shown, f"/inbox/?open={key}")
    assert html.count("<h1") == 1
    assert '<h2 class="title" dir="auto">Marisol Brandt</h2>' in html
    assert 'class="row fresh longest opened"' in html


# --- one inquiry ---


def test_an_inquiry_has_everything(shown: Room) -> None:
    html = get(shown, f"/inbox/i/{id_of(shown, 'wholesale')}")
    text = text_of(html)
    assert '<h1 class="title" dir="auto">Marisol Brandt</h1>' in html
    assert 'href="mailto:marisol@brandtcider.example"' in html
    assert 'href="tel:+15185550163"' in html
    assert '<a href="/articles/service-level-agreement/">The agreement between marketing and sales</a>' in html
    assert "Waits 3 days" in text
    assert "Budget over 20k" in text
    assert 'href="https://brandtcider.example" rel="noreferrer noopener nofollow"' in html
    assert "Newsletter Agreed: I agree to receive one article a month" in text
    assert "Then they wrote again Fri 20 Nov, 08:44" in text
    assert "Six people, sorry, it is eight." in text
    assert text.count("over 20k") == 1
    assert "Also sent, but not asked for by the form wholesale_region Hudson Valley Capital District" in text
    assert "Also from this person Do you have a talk on seasonal businesses?" in text
    assert "Tobias Okafor noted Sat 21 Nov, 08:20 Called the cellar" in text
    assert "before the season starts in March.\n\nWhat would" in html


def test_only_the_piece_for_the_pane(shown: Room) -> None:
    html = get(shown, f"/inbox/i/{id_of(shown, 'wholesale')}?pane=1")
    assert html.lstrip().startswith('<article id="inquiry"')
    assert "<h1" not in html


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "http://x' onmouseover=alert(1) ",
    "javascript:alert(1)",
    "{{ config }}{% include 'x' %}",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("bad", HOSTILE)
def test_what_visitors_send_is_inert_everywhere(bare: Room, bad: str) -> None:
    values = {bad: bad, "name": bad, "email": f"{bad}@x.example", "phone": bad, "message": bad * 40, "website": bad}
    sent = make_submission(
        form=bad,
        values={**values, "several": (bad, bad)},
        labels=tuple((name, bad) for name in values),
        extra={bad: (bad, bad)},
        page=bad,
        page_title=bad,
        referrer=bad,
        consents=(Consent(bad, bad, given=True),),
    )
    with bare.house.database.write() as connection:
        key = save(connection, sent, [], bare.house.token).inquiry
        given: dict[str, Any] = {"actor": "ida", "now": NOW, "token": bare.house.token}
        inquiries.add_note(connection, key, bad, **given)
        inquiries.add_message(connection, key, f"{bad}@x.example", bad, bad, **given)
        delivery = outbox.claim(connection, "x", NOW, 5, timedelta(minutes=1))[0]
        outbox.dead(connection, delivery.id, bad, NOW)
    paths = ("/inbox/", f"/inbox/?open={key}", f"/inbox/i/{key}", "/inbox/deliveries", "/inbox/report", "/inbox/export")
    for path in paths:
        html = get(bare, path)
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "' onmouseover" not in html
        assert 'href="javascript:' not in html.lower()
        assert "\u202e" not in text_of(html)
        assert ("RLO" in text_of(html)) == ("\u202e" in bad)


# --- what sales does ---


def test_each_change_is_made_told_and_leads_back(desk: Room) -> None:
    key = id_of(desk, "wholesale")
    at = f"/inbox/i/{key}"
    assert post(desk, f"{at}/owner", owner="tobias") == f"{at}?done=owner"
    assert post(desk, f"{at}/note", text="Call her\r\nback") == f"{at}?done=note"
    assert post(desk, f"{at}/stage", stage="qualified") == f"{at}?done=qualified&was=new"
    assert post(desk, f"{at}/stage?view=mine", stage="won", value="12,000") == f"{at}?view=mine&done=won&was=qualified"
    found = stored(desk, key)
    assert (found.row.owner, found.row.stage, found.row.value, found.row.currency) == ("tobias", "won", 1200000, "USD")
    assert found.notes[-1].text == "Call her\nback"
    assert [event.actor for event in found.timeline if event.kind != "received"][-4:] == ["ida"] * 4
    html = get(desk, f"{at}?done=won&was=qualified")
    assert "Moved to Won." in html
    assert '<input type="hidden" name="stage" value="qualified"><button class="quiet">Undo</button>' in html
    assert "12,000 USD" in html
    assert post(desk, f"{at}/stage", stage="lost", reason="price") == f"{at}?done=lost&was=won"
    assert "Qualified to Won" in text_of(get(desk, at))
    assert "Won to Lost (Price)" in text_of(get(desk, at))
    assert post(desk, f"{at}/owner", owner="") == f"{at}?done=owner"
    assert stored(desk, key).row.owner == ""


def test_a_change_in_the_pane_leads_back_to_the_piece(desk: Room) -> None:
    key = id_of(desk, "wholesale")
    assert post(desk, f"/inbox/i/{key}/note", text="x", pane="1") == f"/inbox/i/{key}?pane=1&done=note"
    assert "The note is kept." in get(desk, f"/inbox/i/{key}?pane=1&done=note")


def test_a_reply_goes_to_the_inquirys_address_and_no_other(desk: Room) -> None:
    woken: list[bool] = []
    object.__setattr__(desk.house, "wake", lambda: woken.append(True))
    key = id_of(desk, "wholesale")
    html = get(desk, f"/inbox/i/{key}")
    assert "Goes to marisol@brandtcider.example, sent from hello@nicholswd.example" in html
    assert "Hello Marisol Brandt,\n\n\n\nIda Nichols\nNichols WD</textarea>" in html
    where = post(desk, f"/inbox/i/{key}/reply", subject="Re: Talk", text="Thursday?", to="eve@evil.example")
    assert where == f"/inbox/i/{key}?done=reply"
    found = stored(desk, key)
    assert (found.messages[-1].to, found.messages[-1].text) == ("marisol@brandtcider.example", "Thursday?")
    assert (found.row.stage, found.row.waiting_since) == ("contacted", None)
    assert [one.kind for one in found.deliveries if one.state == "waiting"] == ["reply"]
    assert woken == [True]
    assert "Reply to marisol@brandtcider.example" in get(desk, f"/inbox/i/{key}")


def test_a_held_one_is_released_and_then_told(desk: Room) -> None:
    key = id_of(desk, "stoves")
    html = get(desk, f"/inbox/i/{key}")
    assert "A field that people do not see was filled in" in html
    assert "Nobody has been told of it." in html
    assert 'id="reply"' not in html
    assert post(desk, f"/inbox/i/{key}/release") == f"/inbox/i/{key}?done=release"
    found = stored(desk, key)
    assert (found.row.held, found.row.waiting_since) == (False, NOW - timedelta(hours=8.5))
    told = {(one.channel, one.target) for one in found.deliveries}
    assert told == {("mail", "sales@nicholswd.example"), ("webhook", "https://crm.nicholswd.example/hook")}
    assert "Ida Nichols released it" in get(desk, f"/inbox/i/{key}")
    assert post(desk, f"/inbox/i/{key}/release") == f"/inbox/i/{key}?wrong=change"


def test_a_dead_delivery_is_sent_again(desk: Room) -> None:
    key = id_of(desk, "forty boats")
    dead = next(one for one in stored(desk, key).deliveries if one.state == "dead")
    html = get(desk, "/inbox/deliveries")
    assert "550 5.1.1 no such mailbox" in html
    assert "Abel Ferreira" in html
    assert '<span class="alarm">1<' in html
    assert post(desk, f"/inbox/deliveries/{dead.id}/replay") == "/inbox/deliveries?done=replay"
    assert next(one for one in stored(desk, key).deliveries if one.id == dead.id).state == "waiting"
    assert '<span class="alarm">' not in get(desk, "/inbox/")
    assert post(desk, f"/inbox/deliveries/{dead.id}/replay", sheet="1").startswith(f"/inbox/i/{key}?")
    assert desk.client().post("/inbox/deliveries/x/replay", data={"_csrf": desk.token}).status_code == 404


@pytest.mark.parametrize(
    "action, fields, wrong",
    [
        ("stage", {"stage": "won", "value": "a lot"}, "value"),
        ("stage", {"stage": "lost", "reason": "whim"}, "change"),
        ("owner", {"owner": "nobody-known"}, "change"),
        ("note", {"text": "   "}, "empty"),
        ("note", {"text": "x" * 20001}, "long"),
        ("reply", {"subject": "x", "text": ""}, "empty"),
        ("reply", {"subject": "x" * 201, "text": "y"}, "long"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    desk: Room, action: str, fields: dict[str, str], wrong: str
) -> None:
    key = id_of(desk, "wholesale")
    before = stored(desk, key)
    where = post(desk, f"/inbox/i/{key}/{action}", **fields)
    assert where == f"/inbox/i/{key}?wrong={wrong}"
    assert words_of("en")[f"wrong.{wrong}"] in get(desk, where)
    assert stored(desk, key) == before


def test_a_stage_that_is_none_and_an_inquiry_that_is_none(desk: Room) -> None:
    client = desk.client()
    key = id_of(desk, "wholesale")
    assert client.post(f"/inbox/i/{key}/stage", data={"_csrf": desk.token, "stage": "held"}).status_code == 400
    for action in ("stage", "owner", "note", "reply", "release"):
        data = {"_csrf": desk.token, "stage": "won", "text": "x", "subject": "y", "owner": "ida"}
        response = client.post(f"/inbox/i/{'0' * 32}/{action}", data=data)
        assert response.status_code == 404
        assert "This is not here" in response.text


def test_every_form_that_changes_something_carries_the_token(shown: Room) -> None:
    ids = [id_of(shown, text) for text in ("wholesale", "stoves", "forty boats")]
    for path in (*(f"/inbox/i/{key}?done=won&was=new" for key in ids), "/inbox/deliveries", "/inbox/"):
        forms = re.findall(r'(?s)<form method="post".*?</form>', get(shown, path))
        assert forms
        assert [one for one in forms if f'name="_csrf" value="{shown.token}"' not in one] == []


def test_nothing_changes_without_the_token_or_by_looking(desk: Room) -> None:
    key = id_of(desk, "wholesale")
    before = stored(desk, key)
    for action in ("stage", "owner", "note", "reply", "release"):
        assert desk.client().post(f"/inbox/i/{key}/{action}", data={"stage": "won", "text": "x"}).status_code == 403
        assert desk.client().get(f"/inbox/i/{key}/{action}?stage=won&text=x").status_code == 404
    assert stored(desk, key) == before


def test_no_sender_no_reply(desk: Room) -> None:
    (desk.house.setup.release or Path()).joinpath("site.json").write_text('{"title": "Nichols WD"}', "utf-8")
    desk.house.releases._looked = float("-inf")
    html = get(desk, f"/inbox/i/{id_of(desk, 'wholesale')}")
    assert 'id="reply"' not in html
    assert "Replies cannot be sent from here" in html


# --- the rest ---


def test_the_report_credits_articles(shown: Room) -> None:
    text = text_of(get(shown, "/inbox/report"))
    assert "Which article won the customer? 4 0 3 2 20,900 USD" in text
    assert text.index("Alignment review") < text.index("Which article won")
    assert "All together 37 3 12 6 73,850.50 USD" in text


def test_help_tells_every_key_that_the_script_knows(shown: Room) -> None:
    html = get(shown, "/inbox/help")
    told = set(re.findall(r'<kbd class="key">([^<]+)</kbd>', html))
    script = (INBOX / "static" / "inbox.js").read_text("utf-8")
    table = re.search(r"const keys = \{(.*?)\};", script)
    assert table
    known = set(re.findall(r'(?:^|, )"?([a-z?])"?:', table[1].strip()))
    templates = " ".join(path.read_text("utf-8") for path in (INBOX / "templates" / "inbox").iterdir())
    pressed = set(re.findall(r'hint\([^\n]*?, "(.)"\)', templates)) | {"?"}
    assert known | pressed | {"Enter", "Esc"} == told | {"o"}


def test_pages_hold_no_inline_script_or_style(shown: Room) -> None:
    key = id_of(shown, "wholesale")
    for path in (
        "/inbox/",
        f"/inbox/?open={key}",
        f"/inbox/i/{key}",
        "/inbox/report",
        "/inbox/deliveries",
        "/inbox/help",
        "/inbox/export",
    ):
        html = get(shown, path)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)", html)
        assert "|safe" not in html


def test_assets_are_named_by_their_content_and_kept(shown: Room) -> None:
    html = get(shown, "/inbox/")
    for path in re.findall(r'(?:href|src)="(/inbox/static/[^"]+)"', html):
        response = shown.app.test_client().get(path)  # also by those who only see the login
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", path)
    assert shown.client().get("/inbox/").headers["Cache-Control"] == "no-store"


def test_the_tokens_are_the_themes_own() -> None:
    theme = (INBOX.parents[1] / "templates" / "assets" / "app.css").read_text("utf-8")
    own = (INBOX / "static" / "inbox.css").read_text("utf-8")
    colours = re.compile(r"--[a-z-]+: oklch\([^)]*\);")
    assert len(colours.findall(own)) == 22
    assert colours.findall(own) == colours.findall(theme)[:22]


def test_every_word_that_is_asked_for_is_there() -> None:
    sources = [*INBOX.glob("*.py"), *(INBOX / "templates" / "inbox").iterdir()]
    asked = {key for path in sources for key in re.findall(r"\bt\(\s*[\"']([a-z.-]+)[\"']", path.read_text("utf-8"))}
    words = words_of("en")
    assert {key for key in asked if key not in words and f"{key}.one" not in words and not key.endswith(".")} == set()
    assert len(asked) > 100


def test_a_database_that_is_away_is_said(desk: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    client = desk.client()
    real = Database.read
    calls = iter(range(100))

    def away(database: Database) -> Any:
        if next(calls) > 0:  # the door has asked who it is
            raise Unavailable
        return real(database)

    monkeypatch.setattr(Database, "read", away)
    response = client.get("/inbox/")
    assert response.status_code == 503
    assert "cannot be reached right now" in response.text
    assert response.headers["Retry-After"] == "30"


# --- arrivals ---


def test_arrivals_are_told_once(desk: Room) -> None:
    since = re.search(r'data-since="([^"]+)"', get(desk, "/inbox/"))
    assert since
    client = desk.client()
    path = f"/inbox/changes?since={since[1]}"
    first = client.get(path)
    assert first.json == {"rows": [], "since": "2026-11-23T15:19:45.000000Z"}
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    with desk.house.database.write() as connection:
        new = save(connection, make_submission(received_at=NOW), [], desk.house.token).inquiry
    desk.clock.move(seconds=5)
    told = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert told.status_code == 200
    assert told.json
    assert told.json["rows"] == [{"id": new, "touched": "2026-11-23T15:20:00.000000Z", "new": True}]
    assert "ada@" not in told.text
    for since_not in ("", "x", "2026-11-23", "2026-11-23T10:00:00"):
        assert client.get("/inbox/changes", query_string={"since": since_not}).status_code == 400


def test_the_demonstration_is_what_it_says() -> None:
    assert len(CASES) == 39  # and the one that somebody wrote before
    assert set(PEOPLE) == {case.owner for case in CASES} - {""}
