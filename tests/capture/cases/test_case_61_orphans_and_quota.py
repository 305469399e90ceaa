"""Case 61: what a refused or killed post leaves of its files goes; what the files of one form take is bounded."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from capture import spool
from capture.house import House
from capture.keeping.orphans import sweep
from capture.store.database import Unavailable
from obverse.forms.kinds import MEGABYTE
from tests.capture.cases.uploads import FORM, attached, everything, named, on_disk, send, taking
from tests.capture.files import PDF, TXT, docx, png
from tests.capture.house import KEY, SETTINGS
from tests.capture.running import REPOSITORY

KEYED = {"_ob_instance": "0f3c1b52-6a40-4d39-9d5e-1f2c3b4a5d6e"}

# A process that ends, as by a power cut, when its files are kept and their rows are not.
DIES = """
import json, os, signal, sys
from pathlib import Path
import capture.endpoint
from capture.setup import Secrets, Setup
from capture.house import open_house
from tests.capture.cases.uploads import named, send
from tests.capture.files import PDF
folder, url, place, key = json.loads(sys.argv[1])
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
setattr(capture.endpoint, place, die)
setup = Setup(Path(folder) / "var", "https://site.test", Secrets(key=key, database=url), Path(folder) / "release")
send(open_house(setup), cv=named(PDF, "cv.pdf"))
"""


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with taking(tmp_path, database_url) as house:
        yield house


def test_case_61_what_is_refused_leaves_nothing(house: House) -> None:
    refused = (
        {"cv": named(PDF, "cv.pdf"), "email": "none"},
        {"cv": named(TXT, "cv.pdf")},
        {"cv": [named(PDF, "a.pdf"), named(TXT, "b.pdf")]},
        {"cv": [named(PDF, "a.pdf")] * 1 + [named(docx(), "b.docx"), named(docx(), "c.docx")]},
        {"cv": named(PDF, "cv.pdf"), "photo": named(PDF, "me.png")},
        {"photo": named(png(), "me.png")},
    )
    for sent in refused:
        assert send(house, **sent).status_code == 422
        assert on_disk(house) == {}
    assert everything(house) == []


def test_case_61_what_a_process_leaves_that_is_killed_before_its_rows_are(tmp_path: Path, database_url: str) -> None:
    with taking(tmp_path, database_url) as house:
        send(house, cv=named(docx(), "kept.docx"))
        given = json.dumps([str(tmp_path), database_url, "save", KEY])
        died = subprocess.run([sys.executable, "-c", DIES, given], cwd=REPOSITORY, capture_output=True, check=False)
        assert died.returncode == -signal.SIGKILL, died.stderr.decode()
        (kept,) = attached(house)
        left = set(on_disk(house)) - {kept.id}
        assert len(left) == 1
        folder, written = house.setup.folder, (house.uploads / next(iter(left))).stat().st_mtime
        at = house.now().fromtimestamp(written, tz=house.now().tzinfo)
        assert sweep(house.database, folder, at + timedelta(hours=23)) == 0
        assert sweep(house.database, folder, at + timedelta(hours=25)) == 1
        assert on_disk(house) == {kept.id: docx()}


def test_case_61_what_comes_twice_is_there_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable("away")

    for _ in range(3):
        assert send(house, cv=named(PDF, "cv.pdf")).status_code == 303
    with monkeypatch.context() as patch:
        patch.setattr("capture.endpoint.save", away)
        assert send(house, cv=named(PDF, "cv.pdf")).status_code == 303
    assert spool.ingest(house) == 1
    (found,) = everything(house)
    assert found.submissions[0].repeats == 3
    assert set(on_disk(house)) == {one.id for one in attached(house)}


def test_case_61_the_files_of_a_form_have_a_bound(tmp_path: Path, database_url: str) -> None:
    other = replace(FORM, name="other")
    large = png()[:-12] + b"\0\0\0\0tEXt" + bytes(90_000) + png()[-12:]
    with taking(tmp_path, database_url, FORM, other, settings=replace(SETTINGS, uploads=1, rate=1000)) as house:
        answers = [
            send(
                house,
                cv=named(PDF, "cv.pdf"),
                photo=named(large, "me.png"),
                email=f"ann{number}@example.org",
                **({} if number else KEYED),
            )
            for number in range(13)
        ]
        codes = [one.status_code for one in answers]
        fit = MEGABYTE // (len(PDF) + len(large))
        assert codes == [303] * fit + [413] * (13 - fit)
        assert "There is no room for more files" in answers[-1].text
        assert "ann12@example.org" in answers[-1].text
        assert "please choose yours once more" in answers[-1].text
        assert sum(one.size for one in attached(house)) == sum(map(len, on_disk(house).values())) <= MEGABYTE
        # Who was stored and did not hear of it is told so, not that there is no room.
        answer = send(house, cv=named(PDF, "cv.pdf"), photo=named(large, "me.png"), email="ann0@example.org", **KEYED)
        assert answer.status_code == 303
        # Other forms are not shut by it, and no text is refused for it.
        assert send(house, to="/_ob/f/other", cv=named(PDF, "cv.pdf")).status_code == 303
        assert send(house, to="/_ob/f/contact", message="Hello").status_code == 303
