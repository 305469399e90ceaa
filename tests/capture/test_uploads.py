"""Files that come with a form: taken, refused in a way that can be mended, and what is then on the disk."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture import spool
from capture.house import House
from capture.store.database import Unavailable
from capture.store.tables import attachments, outbox
from obverse.forms.kinds import MEGABYTE
from tests.capture.cases.uploads import (
    LIMIT,
    attached,
    everything,
    named,
    narrower,
    on_disk,
    send,
    taking,
    told,
    visitor,
)
from tests.capture.files import CSV, HTML, PDF, docx, png
from tests.capture.house import SETTINGS
from tests.capture.posting import clock


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Any:
    with taking(tmp_path, database_url) as house:
        yield house


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str) -> Any:
    with taking(tmp_path, sqlite_url) as house:
        yield house


def test_files_are_kept_whole_under_random_names(house: House) -> None:
    answer = send(house, cv=[named(PDF, "my cv.pdf"), named(docx(), "letter.docx")], photo=named(png(), "me.png"))
    assert answer.status_code == 303, answer.text
    files = attached(house)
    assert [(one.field, one.name, one.kind) for one in files] == [
        ("cv", "my cv.pdf", "pdf"),
        ("cv", "letter.docx", "docx"),
        ("photo", "me.png", "png"),
    ]
    assert on_disk(house) == dict(zip((one.id for one in files), (PDF, docx(), png()), strict=True))
    assert [one.size for one in files] == [len(PDF), len(docx()), len(png())]
    assert files[0].sha256 == hashlib.sha256(PDF).hexdigest()
    assert (house.uploads / files[0].id).stat().st_mode & 0o777 == 0o600
    (found,) = everything(house)
    assert found.submissions[0].values["cv"] == ("my cv.pdf", "letter.docx")
    assert not found.row.held


def test_an_empty_field_brings_no_file(small: House) -> None:
    assert send(small, cv=named(PDF, "a.pdf"), photo=named(b"", "")).status_code == 303
    assert len(attached(small)) == 1


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [
        ({"cv": [(HTML, "cv.pdf")]}, "file-kind", "“cv.pdf” is not a file of a kind"),
        ({"cv": [(png(), "cv.pdf")]}, "file-kind", "Please choose another one: PDF, Word."),
        ({"cv": [(PDF + bytes(LIMIT), "cv.pdf")]}, "file-size", "Please keep to 100 kB for each file."),
        ({"cv": [(b"", "cv.pdf")]}, "file-empty", "“cv.pdf” is empty."),
        ({"cv": [(PDF, "a.pdf"), (PDF, "b.pdf"), (PDF, "c.pdf")]}, "too-many-files", "no more files than 2"),
        ({"photo": [(png(), "me.png")]}, "required", "Please choose a file."),
        ({"cv": [(PDF, "cv.pdf")], "name": ""}, "required", "Please fill this in."),
    ],
)
def test_what_is_wrong_is_said_with_the_text_kept(small: House, sent: dict[str, Any], code: str, said: str) -> None:
    def files() -> dict[str, Any]:
        return {
            field: value if isinstance(value, str) else [named(*one) for one in value] for field, value in sent.items()
        }

    answer = told(small, **files())
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json["errors"]] == [code]
    page = send(small, **files())
    assert page.status_code == 422
    assert said in page.text
    assert "ann@example.org" in page.text
    assert "please choose yours once more" in page.text
    assert (on_disk(small), attached(small)) == ({}, [])


def test_more_than_all_files_may_be_is_not_read(small: House) -> None:
    read: list[int] = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            read.append(len(data))
            return data

    body = Counting(b'--b\r\nContent-Disposition: form-data; name="cv"; filename="a"\r\n\r\n' + bytes(8 * MEGABYTE))
    browser, kind = visitor(small), "multipart/form-data; boundary=b"
    answer = browser.post("/_ob/f/job", input_stream=body, content_type=kind, content_length=8 * MEGABYTE)
    assert (answer.status_code, sum(read)) == (413, 0)
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = browser.post("/_ob/f/job", input_stream=body, content_type=kind, environ_overrides=chunked)
    assert answer.status_code == 413
    assert sum(read) < 2 * MEGABYTE
    assert on_disk(small) == {}


def test_files_never_lie_in_memory(tmp_path: Path) -> None:
    with taking(tmp_path, "", narrower(max_size=25 * MEGABYTE)) as house:
        head = b'--b\r\nContent-Disposition: form-data; name="cv"; filename="a"\r\n\r\n%PDF-'
        body = io.BytesIO(head + bytes(20 * MEGABYTE) + b"\r\n--b--")
        tracemalloc.start()
        try:
            visitor(house).post("/_ob/f/job", input_stream=body, content_type="multipart/form-data; boundary=b")
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert most < 6 * MEGABYTE


def test_a_body_that_breaks_off_leaves_nothing(small: House) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="cv"; filename="a.pdf"\r\n\r\n' + PDF
    answer = visitor(small).post("/_ob/f/job", data=body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 400
    assert on_disk(small) == {}


@pytest.mark.parametrize(("to", "field"), [("/_ob/f/contact", "cv"), ("/_ob/f/job", "other"), ("/_ob/f/job", "name")])
def test_a_file_that_nobody_asked_for_is_not_taken(small: House, to: str, field: str) -> None:
    answer = send(small, to=to, message="Hello", **{"cv": named(PDF, "cv.pdf"), field: named(PDF, "x.pdf")})
    assert answer.status_code == 415
    assert "ann@example.org" in answer.text
    assert on_disk(small) == {}


def test_other_content_under_the_same_name_is_another_submission(small: House) -> None:
    key = {"_ob_instance": "0f3c1b52-6a40-4d39-9d5e-1f2c3b4a5d6e"}
    assert told(small, cv=named(PDF, "cv.pdf"), **key).status_code == 201
    again = told(small, cv=named(PDF, "cv.pdf"), **key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert told(small, cv=named(docx(), "cv.pdf"), **key).status_code == 201
    (found,) = everything(small)
    assert [one.attachments[0].kind for one in found.submissions] == ["pdf", "docx"]


def test_the_disk_has_them_before_any_row_does(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        real_sync(descriptor)

    monkeypatch.setattr("capture.uploads.shelf.os.fsync", synced)
    monkeypatch.setattr("capture.uploads.shelf.os.replace", lambda *paths: (done.append("name"), real_replace(*paths)))
    monkeypatch.setattr("capture.endpoint.save", lambda *_: done.append("rows") or pytest.fail("stop"))
    with pytest.raises(BaseException, match="stop"):
        send(small, cv=named(PDF, "cv.pdf"))
    assert done[-4:] == ["file", "name", "folder", "rows"]


def away(*_: object) -> None:
    raise Unavailable("away")


def test_while_the_database_is_away_the_spool_names_them(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("capture.endpoint.save", away)
        assert send(house, cv=named(PDF, "cv.pdf")).status_code == 303
    (kept,) = (name for name in on_disk(house) if len(name) == 32)
    assert f"{kept}.waits" in on_disk(house)
    assert attached(house) == []
    assert spool.ingest(house) == 1
    assert [(one.id, one.name) for one in attached(house)] == [(kept, "cv.pdf")]
    assert on_disk(house) == {kept: PDF}


def test_a_full_disk_keeps_the_text(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    for place in ("capture.uploads.intake.os.open", "capture.uploads.shelf.os.fsync", "capture.uploads.sniffing._tail"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            answer = send(small, cv=named(PDF, "cv.pdf"))
        assert answer.status_code == 413, place
        assert "There is no room for more files" in answer.text
        assert "ann@example.org" in answer.text
        assert (on_disk(small), attached(small)) == ({}, [])
    assert send(small, cv=named(PDF, "cv.pdf")).status_code == 303


def test_they_are_told_by_name_and_size_and_never_by_content(small: House) -> None:
    send(small, cv=named(PDF, "cv.pdf"))
    (file,) = attached(small)
    with small.database.read() as connection:
        (payload,) = connection.execute(sa.select(outbox.c.payload)).scalars()
    assert payload["files"] == [{"id": file.id, "field": "cv", "label": "CV", "name": "cv.pdf", "size": len(PDF)}]
    assert "Catalog" not in str(payload)


def test_yesterdays_page_may_send_what_it_was_promised(tmp_path: Path) -> None:
    old = narrower(accept=("csv",))
    with taking(tmp_path, "", old) as house:
        version = old.version
    with taking(tmp_path, "") as house:
        clock(house).move(days=1)
        assert send(house, cv=named(CSV, "a.csv")).status_code == 422
        assert send(house, cv=named(CSV, "a.csv"), _ob_version=version).status_code == 303
        assert [one.kind for one in attached(house)] == ["csv"]


def test_without_a_limit_there_is_none(tmp_path: Path) -> None:
    with taking(tmp_path, settings=replace(SETTINGS, uploads=0)) as house:
        assert send(house, cv=named(PDF, "cv.pdf")).status_code == 303
        with house.database.read() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(attachments)) == 1
