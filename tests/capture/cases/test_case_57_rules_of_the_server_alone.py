"""Case 57: what a file may be is said by the form on the server, before anything is kept; no post changes it.

Checked after it was stored (CVE-2023-4596), not at all without the form's id (CVE-2022-0888), more mildly for a forged
value of a list (CVE-2026-15748): here each is refused, and neither row nor file is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture.house import House
from capture.store.tables import answers, attachments, contacts, inquiries, outbox, submissions
from tests.capture.cases.uploads import FORM, attached, named, narrower, on_disk, send, taking, told
from tests.capture.files import CSV, HTML, PDF, png
from tests.capture.posting import count

NOTHING: tuple[dict[str, bytes], list[int]] = ({}, [0] * 6)
TABLES = (answers, attachments, contacts, inquiries, outbox, submissions)

FORGED: list[dict[str, Any]] = [
    {"accept": "html", "cv.accept": "html", "max_size": "99 MB", "type": "text"},
    {"_ob_accept": "html", "_ob_form": "contact", "_ob_field": "notes"},
    {"_ob_version": "0" * 16 + "." + "0" * 16},
    {"_ob_version": "../../evil.json"},
    {"_ob_version": ""},
    {"cv": "cv.pdf", "name": "Ann"},
    {"budget": "any", "kind": "text/html"},
]


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with taking(tmp_path, sqlite_url) as house:
        yield house


def left(house: House) -> tuple[dict[str, bytes], list[int]]:
    return on_disk(house), count(house, *TABLES)


def test_case_57_no_field_that_is_sent_changes_a_rule(house: House) -> None:
    for forged in FORGED:
        files = [named(HTML, "cv.pdf", "application/pdf"), named(HTML, "cv.html", "text/html")]
        sent = forged if "cv" not in forged else {**forged, "cv": ""}
        for file in files:
            answer = told(house, **{**sent, "cv": file})
            assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "file-kind"), forged
            assert left(house) == NOTHING, forged


def test_case_57_no_name_of_a_form_lets_anything_in(house: House) -> None:
    for to, status in (("/_ob/f/", 404), ("/_ob/f/other", 404), ("/_ob/f/contact", 415), ("/_ob/f/JOB", 404)):
        assert send(house, to=to, cv=named(PDF, "cv.pdf"), message="Hello").status_code == status, to
        assert left(house) == NOTHING


def test_case_57_rules_of_another_form_or_field_are_not_borrowed(tmp_path: Path) -> None:
    mild = narrower(accept=("csv",))
    other = FORM.__class__("notes", "en", "Notes", "Send", mild.fields)
    with taking(tmp_path, "", FORM, other) as house:
        for file, version in ((CSV, other.version), (CSV, mild.version), (png(), FORM.version)):
            answer = told(house, cv=named(file, "cv.pdf"), _ob_version=version)
            assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "file-kind")
            assert left(house) == NOTHING
        assert told(house, cv=named(PDF, "cv.pdf"), _ob_version=other.version).status_code == 201
        assert [one.kind for one in attached(house)] == ["pdf"]
