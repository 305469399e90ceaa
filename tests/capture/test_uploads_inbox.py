"""Files that came with a form, as staff see, have and export them; and as they are told of by mail and webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from capture.app import create_app
from capture.house import House
from capture.inbox.downloads import disposition, safe_name
from capture.inbox.words import t
from capture.model import Attachment
from capture.openapi import document
from capture.outbox import webhook
from capture.outbox.letters import Letterhead, letter
from capture.store import outbox
from tests.capture.cases.uploads import CV, FORM, attached, everything, named, send, staff, taking
from tests.capture.files import PDF, docx, png

RLO = "\u202e"


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with taking(tmp_path, sqlite_url) as house:
        yield house


def test_a_sheet_names_them_with_size_and_link(house: House) -> None:
    send(house, cv=[named(PDF, f"a{RLO}fdp.<b>exe</b>"), named(docx(), "letter.docx")])
    (found,) = everything(house)
    page = staff(house).get(f"/inbox/i/{found.row.id}").text
    one, other = attached(house)
    assert f'<a href="/inbox/a/{one.id}" dir="auto" download>a<span class="marked">RLO</span>fdp.&lt;b&gt;' in page
    assert f'<a href="/inbox/a/{other.id}" dir="auto" download>letter.docx</a>' in page
    assert "PDF, 1 kB" in page
    assert "<b>exe" not in page


def test_a_name_in_letters_that_look_latin_is_spelled(house: House) -> None:
    send(house, cv=named(PDF, "p\u0430ypal.com"))
    (found,) = everything(house)
    assert 'p\u0430ypal.com<span class="marked">xn--' in staff(house).get(f"/inbox/i/{found.row.id}").text


def test_of_a_follow_up_only_new_files_are_shown(house: House) -> None:
    key = {"_ob_instance": "0f3c1b52-6a40-4d39-9d5e-1f2c3b4a5d6e"}
    send(house, cv=named(PDF, "cv.pdf"), **key)
    send(house, cv=[named(PDF, "cv.pdf"), named(docx(), "more.docx")], **key)
    (found,) = everything(house)
    page = staff(house).get(f"/inbox/i/{found.row.id}").text
    assert (page.count("cv.pdf</a>"), page.count("more.docx</a>")) == (1, 1)


def test_staff_have_them_as_they_came(house: House) -> None:
    send(house, cv=named(PDF, "Lebenslauf für Ännchen.pdf"))
    (file,) = attached(house)
    answer = staff(house).get(f"/inbox/a/{file.id}")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"Lebenslauf f_r _nnchen.pdf\"; filename*=UTF-8''Lebenslauf%20f%C3%BCr%20%C3%84nnchen.pdf"
    )
    assert answer.headers["Cache-Control"] == "no-store"
    with staff(house).head(f"/inbox/a/{file.id}") as answer:
        assert (answer.status_code, answer.content_length) == (200, len(PDF))


def test_nobody_else_does(house: House) -> None:
    send(house, cv=named(PDF, "cv.pdf"))
    (file,) = attached(house)
    stranger = create_app(house).test_client()
    answer = stranger.get(f"/inbox/a/{file.id}")
    assert (answer.status_code, PDF in answer.data) == (303, False)
    for path in (f"/uploads/{file.id}", f"/_ob/a/{file.id}", f"/var/uploads/{file.id}"):
        assert stranger.get(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "kind", "safe"),
    [
        ("cv.pdf", "pdf", "cv.pdf"),
        ("CV.PDF", "pdf", "CV.pdf"),
        ("shell.php", "txt", "shell.php.txt"),
        ("a.pdf.phtml", "pdf", "a.pdf.phtml.pdf"),
        ("photo.JPEG", "jpeg", "photo.jpeg"),
        ("../../config", "txt", "_.._config.txt"),
        ("%252e%252e%252fconfig", "txt", "_252e_252e_252fconfig.txt"),
        ("C:\\Users\\ann\\cv.docx", "docx", "C__Users_ann_cv.docx"),
        (f"cod{RLO}fdp.exe", "pdf", "codfdp.exe.pdf"),
        ('a"b\r\nSet-Cookie: x=1.pdf', "pdf", "a_b_Set-Cookie_ x=1.pdf"),
        ("", "pdf", "file.pdf"),
        (" .. ", "pdf", "file.pdf"),
        ("x" * 300 + ".pdf", "pdf", "x" * 150 + ".pdf"),
        ("thing", "from-a-newer-program", "thing.bin"),
    ],
)
def test_a_name_on_the_disk_of_staff_is_only_a_name(name: str, kind: str, safe: str) -> None:
    file = Attachment("a" * 32, "cv", name, kind, 1, "")
    assert safe_name(file) == safe
    assert disposition(file).isprintable()
    assert disposition(file).isascii()


def test_mail_and_webhook_name_them_and_lead_to_the_inbox(house: House) -> None:
    send(house, cv=named(PDF, "cv.pdf"), photo=named(png(), "me.png"))
    cv, photo = attached(house)
    with house.database.read() as connection:
        (row,) = outbox.deliveries(connection, outbox.STATES)
    row.payload["files"][0]["name"] = "cv\r\nBcc: eve@example.org.pdf"  # type: ignore[index]  # as hostile as it gets
    release = house.releases.current()
    head = Letterhead(release.settings, "https://site.test", t, lambda _: t)
    mail = message_from_bytes(letter(row, head).as_bytes(), policy=policy.default)
    text = mail.get_content().replace("\r\n", "\n")
    assert not mail.is_multipart()
    assert mail["Bcc"] is None
    assert f"CV: cv Bcc: eve@example.org.pdf (1 kB) https://site.test/inbox/a/{cv.id}\n" in text
    assert f"Photo: me.png (1 kB) https://site.test/inbox/a/{photo.id}\n" in text
    told = json.loads(webhook.body(row, "https://site.test"))["data"]["files"]
    assert told[1] == {
        "field": "photo",
        "name": "me.png",
        "size": len(png()),
        "url": f"https://site.test/inbox/a/{photo.id}",
    }


def test_exports_name_them(house: House) -> None:
    send(house, cv=[named(PDF, "=cmd.pdf"), named(docx(), "b.docx")])
    browser = staff(house)
    assert "'=cmd.pdf, b.docx" in browser.get("/inbox/export.csv?view=all").text
    (plain,) = json.loads(browser.get("/inbox/export.json?view=all").text)
    assert [(one["name"], one["size"]) for one in plain["submissions"][0]["files"]] == [
        ("=cmd.pdf", len(PDF)),
        ("b.docx", len(docx())),
    ]
    assert "b.docx" in browser.get("/inbox/?view=all&q=b.docx").text


def test_a_release_of_what_was_held_tells_of_its_files(house: House) -> None:
    send(house, cv=named(PDF[:-6], "cv.pdf"))
    (found,) = everything(house)
    assert (found.row.held, found.row.held_reasons) == (True, ("file-mixed",))
    browser = staff(house)
    page = browser.get(f"/inbox/i/{found.row.id}").text
    assert t("held.file-mixed") in page
    token = page.partition('name="_csrf" value="')[2].partition('"')[0]
    assert browser.post(f"/inbox/i/{found.row.id}/release", data={"_csrf": token}).status_code == 303
    with house.database.read() as connection:
        (row,) = outbox.deliveries(connection, outbox.STATES)
    assert [one["name"] for one in row.payload["files"]] == ["cv.pdf"]


def test_openapi_says_how_they_are_sent(house: House) -> None:
    known = document(house.releases.current(), "https://site.test")
    content = known["paths"]["/_ob/f/job"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    whole = content["multipart/form-data"]["schema"]["allOf"]
    assert whole[0] == {"$ref": "#/components/schemas/form.job"}
    assert whole[1]["required"] == ["cv"]
    assert whole[1]["properties"]["cv"] == {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "minItems": 1,
        "maxItems": 2,
        "title": CV.label,
        "description": "PDF, Word; 100 kB at most each.",
    }
    assert len(known["paths"]["/_ob/f/contact"]["post"]["requestBody"]["content"]) == 3
    assert "cv" not in known["components"]["schemas"]["form.job"]["properties"]
    assert FORM.field("cv") == CV
