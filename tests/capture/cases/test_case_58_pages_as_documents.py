"""Case 58: a PDF that is HTML or SVG with a script: known by its content, and nothing that came is shown inline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.house import House
from obverse.forms.kinds import KINDS
from tests.capture.cases.uploads import attached, everything, named, on_disk, send, staff, taking, told
from tests.capture.files import HTML, PDF, PHP, SVG, TXT, jpeg, png

PAGES = {
    "HTML": HTML,
    "HTML behind a mark": b"\xef\xbb\xbf\n " + HTML,
    "HTML in two bytes a character": HTML.decode().encode("utf-16"),
    "SVG": SVG,
    "SVG without a head": SVG.partition(b"\n")[2],
    "PHP": PHP,
    "a comment in front": b"<!-- " + PDF + b" -->" + HTML,
}


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with taking(tmp_path, sqlite_url) as house:
        yield house


def test_case_58_what_is_a_page_is_taken_under_no_name_and_no_type(house: House) -> None:
    for field, name, media in (
        ("cv", "cv.pdf", "application/pdf"),
        ("photo", "photo.png", "image/png"),
        ("notes", "notes.txt", "text/plain"),
        ("notes", "notes.csv", "text/csv"),
    ):
        for what, data in PAGES.items():
            files = {"cv": named(PDF, "cv.pdf"), field: named(data, name, media)}
            answer = told(house, **files)
            assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "file-kind"), (field, what)
            assert answer.json["errors"][0]["message"].startswith(f"“{name}” is not a file of a kind")
    assert (on_disk(house), everything(house)) == ({}, [])


def test_case_58_a_document_with_a_page_in_it_is_held_and_never_shown(house: House) -> None:
    both = b"%PDF-1.7\n" + HTML + PDF
    painted = jpeg().replace(b"Exif\0\0", b"<?php ")
    assert send(house, cv=named(both, "cv.pdf"), photo=named(painted, "me.jpg")).status_code == 303
    (found,) = everything(house)
    assert found.row.held_reasons == ("file-mixed",)
    for file, data in zip(attached(house), (both, painted), strict=True):
        answer = staff(house).get(f"/inbox/a/{file.id}")
        assert (answer.data, answer.mimetype) == (data, KINDS[file.kind].media)
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_case_58_nothing_of_a_visitors_stands_in_a_page(house: House) -> None:
    send(house, cv=named(PDF, "cv.pdf"), photo=named(png(), "me.png"), notes=named(TXT, "n.txt"))
    (found,) = everything(house)
    page = staff(house).get(f"/inbox/i/{found.row.id}").text
    assert page.count("/inbox/a/") == 3
    for tag in ("<img", "<embed", "<object", "<iframe", "<picture", "background"):
        assert f"{tag}" not in page or "/inbox/a/" not in page.partition(tag)[2].partition(">")[0]


def test_case_58_no_kind_that_a_browser_runs_can_be_asked_for() -> None:
    running = {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml", "text/javascript"}
    assert not running & {kind.media for kind in KINDS.values()}
    assert not {"html", "htm", "svg", "xml", "js"} & {end for kind in KINDS.values() for end in kind.extensions}
