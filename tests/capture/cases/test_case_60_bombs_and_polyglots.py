"""Case 60: a zip bomb, a picture 50,000 pixels wide, a polyglot: kept and held with the reason, and nothing is opened.

**No virus scanner is built**: EICAR and a clamd that is down, which this case also names, are not held by anybody here.
The manual says so, and the test below holds it to that: a test file for scanners is kept like any other text, and staff
save it as an attachment.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.house import House
from capture.inbox.words import t
from capture.store.tables import outbox
from tests.capture.cases.uploads import attached, everything, named, on_disk, send, staff, taking, told
from tests.capture.files import EICAR, PDF, docx, packed, png

MANUAL = Path(__file__).parents[3] / "docs" / "content" / "operators.md"

DOUBTFUL = {
    "a zip bomb": ("cv", docx({"word/media/a.bin": bytes(30 << 20)}), "file-bomb"),
    "50,000 pixels": ("photo", png(50_000, 50_000), "file-bomb"),
    "a PDF that is a zip": ("cv", PDF + packed({"a.exe": b"MZ"}), "file-mixed"),
    "a picture that is a zip": ("photo", png() + packed({"a.exe": b"MZ"}), "file-mixed"),
    "macros": ("cv", docx({"word/vbaProject.bin": b"x"}), "file-active"),
    "a PDF that runs": ("cv", PDF.replace(b"/Catalog", b"/Catalog/AA<</JavaScript 1>>"), "file-active"),
}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with taking(tmp_path, database_url) as house:
        yield house


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with taking(tmp_path, sqlite_url) as house:
        yield house


def test_case_60_each_is_thanked_for_kept_and_held_with_its_reason(house: House) -> None:
    for what, (field, data, _) in DOUBTFUL.items():
        email = f"{what.replace(' ', '-').replace(',', '')}@example.org"
        assert send(house, **{"cv": named(PDF, "cv.pdf"), field: named(data, "x")}, email=email).status_code == 303
    browser, kept, inquiries = staff(house), on_disk(house).values(), {one.row.email: one for one in everything(house)}
    assert len(inquiries) == len(DOUBTFUL)
    for what, (_, data, reason) in DOUBTFUL.items():
        found = inquiries[f"{what.replace(' ', '-').replace(',', '')}@example.org"]
        assert (found.row.held, found.row.held_reasons) == (True, (reason,)), what
        assert data in kept
        assert t(f"held.{reason}") in browser.get(f"/inbox/i/{found.row.id}").text
    with house.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(outbox)) == 0


def test_case_60_no_bomb_goes_off(small: House) -> None:
    bomb = docx({"word/media/a": bytes(90 << 20)})
    assert len(bomb) < 100 * 1024
    tracemalloc.start()
    try:
        assert send(small, cv=named(bomb, "cv.docx"), photo=named(png(50_000, 50_000), "p.png")).status_code == 303
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_case_60_what_is_no_document_at_all_is_refused_with_the_text_kept(small: House) -> None:
    for data in (packed({"a.exe": b"MZ"}), docx()[:-22], b"PK\3\4" + bytes(200), b"\x89PNG\r\n\x1a\n" + bytes(50)):
        answer = told(small, cv=named(data, "cv.docx"))
        assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "file-kind")
    assert (on_disk(small), everything(small)) == ({}, [])


def test_case_60_nobody_scans_for_viruses_and_the_manual_says_so(small: House) -> None:
    assert send(small, cv=named(PDF, "cv.pdf"), notes=named(EICAR, "eicar.txt")).status_code == 303
    (found,) = everything(small)
    assert not found.row.held
    file = attached(small)[1]
    answer = staff(small).get(f"/inbox/a/{file.id}")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "**Obverse has no virus scanner**" in MANUAL.read_text("utf-8")
