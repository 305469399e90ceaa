"""Case 59: a path in a name, in an address, or in a row that was tampered with, leads nowhere out of the folder.

A stored path was deleted with its submission (CVE-2026-78657, CVE-2023-6559), one was supplied by the client
(CVE-2026-126537), and `%252e%252e` had downloads of anything (Formbricks #8682). Here ids name files, and no path is
kept at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture import spool
from capture.house import House
from capture.keeping import contacts
from capture.keeping.orphans import sweep
from capture.store.database import Unavailable
from capture.store.tables import attachments
from capture.uploads.shelf import path_of, remove
from tests.capture.cases.uploads import attached, named, on_disk, send, staff, taking, visitor
from tests.capture.files import PDF
from tests.capture.house import KEY, NOW

EVIL = ("../../config", "..%2f..%2fconfig", "%252e%252e%252fconfig", "/etc/passwd", "C:\\config", "a/../../b", "..")
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with taking(tmp_path, database_url) as house:
        (house.setup.folder / "config").write_bytes(b"not yours")
        (house.setup.folder / "config.waits").write_bytes(b"not yours")
        yield house


def outside(house: House) -> dict[str, bytes]:
    """What lies beside the folder of uploads, but for the database, which changes."""
    found = (path for path in house.setup.folder.iterdir() if path.name.startswith("config"))
    return {path.name: path.read_bytes() for path in found}


def test_case_59_a_name_is_no_path(house: House) -> None:
    before = outside(house)
    for name in EVIL:
        raw = f'--b\r\nContent-Disposition: form-data; name="cv"; filename="{name}"\r\n\r\n'.encode() + PDF + b"\r\n"
        raw += b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nAnn\r\n'
        raw += b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\nann@example.org\r\n--b--\r\n'
        browser = visitor(house)
        assert browser.post("/_ob/f/job", data=raw, content_type="multipart/form-data; boundary=b").status_code == 303
    files = attached(house)
    assert {one.name for one in files} <= {*EVIL, "C:config"}
    assert set(on_disk(house)) == {one.id for one in files}
    browser = staff(house)
    for one in files:
        header = browser.get(f"/inbox/a/{one.id}").headers["Content-Disposition"]
        assert not {"/", "\\", "%252e", ".."} & set(header.replace("%20", "").partition("; filename*")[0])
    assert outside(house) == before


def test_case_59_no_address_leads_out_of_the_folder(house: House) -> None:
    send(house, cv=named(PDF, "cv.pdf"))
    browser, (file,) = staff(house), attached(house)
    for path in (*EVIL, f"../uploads/{file.id}", f"{file.id}/../../config", file.id.upper() + "0", file.id + "%00"):
        for quoted in (path, path.replace("/", "%2f"), path.replace(".", "%252e")):
            with browser.get(f"/inbox/a/{quoted}") as answer:
                assert answer.status_code == 404, quoted
                assert b"not yours" not in answer.data
    for wrong in (*EVIL, "", "a" * 31, "A" * 32, f"{'a' * 32}\n"):
        with pytest.raises(ValueError, match="no id"):
            path_of(house.uploads, wrong)


def test_case_59_a_row_that_was_tampered_with_has_nothing_shown_or_removed(house: House) -> None:
    send(house, cv=named(PDF, "cv.pdf"))
    before = outside(house)
    with house.database.write() as connection:
        connection.execute(attachments.update().values(id="../config"))
    assert staff(house).get("/inbox/a/../config").status_code == 404
    assert contacts.erase(house.database, house.setup.folder, KEY, "ann@example.org", LATER) == (1, 0)
    remove(house.uploads, EVIL)
    assert outside(house) == before
    with house.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(attachments)) == 0


def test_case_59_nor_has_a_spool_that_was_tampered_with(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr("capture.endpoint.save", away)
        assert send(house, cv=named(PDF, "cv.pdf")).status_code == 303
    before = outside(house)
    (line,) = spool.files(house.spool)
    plain = json.loads(line.read_bytes())
    plain["submission"]["attachments"][0]["id"] = "../config"
    line.write_text(json.dumps(plain))
    with house.database.read() as connection:
        told = contacts.exported(connection, house.setup.folder, "ann@example.org", LATER)
    assert told["spool"][0]["attachments"][0]["content"] is None
    contacts.erase(house.database, house.setup.folder, KEY, "ann@example.org", LATER)
    sweep(house.database, house.setup.folder, NOW + timedelta(days=400))
    assert outside(house) == before
