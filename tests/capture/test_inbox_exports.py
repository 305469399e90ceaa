"""What the inbox hands out, read again by a CSV and a JSON reader."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture.store import inquiries
from capture.store.saving import save
from tests.capture.demo import NOW
from tests.capture.inbox_room import Room, room
from tests.capture.samples import make_submission


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path, filled=False) as one:
        yield one


def put(one: Room, **changes: Any) -> str:
    with one.house.database.write() as connection:
        return save(connection, make_submission(**{"received_at": NOW, **changes}), [], one.house.token).inquiry


def table(one: Room, path: str = "/inbox/export.csv") -> list[dict[str, str]]:
    response = one.client().get(path)
    assert response.status_code == 200
    assert response.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


def test_a_table_has_what_the_list_has(bare: Room) -> None:
    values = {"name": "Ada Byron", "email": "ada@x.example", "phone": "+44 20 7946 0018", "budget": "large", "n": 3}
    key = put(bare, values=values, extra={"ref": ("a", "b")}, page="contact.md", email="ada@x.example")
    with bare.house.database.write() as connection:
        given: dict[str, Any] = {"actor": "ida", "now": NOW}
        inquiries.set_stage(connection, key, "won", value=1250050, currency="USD", **given)
        inquiries.assign(connection, key, "marit", **given)
    (row,) = table(bare, "/inbox/export.csv?view=won")
    assert row == {
        "Received": "2026-11-23 10:20",
        "Stage": "Won",
        "Owner": "Marit Vance",
        "Value": "12500.5",
        "Currency": "USD",
        "Lost because of": "",
        "Article": "Talk to us",
        "Page": "contact.md",
        "Form": "contact",
        "Name": "Ada Byron",
        "E-mail": "ada@x.example",
        "Telephone": "+44 20 7946 0018",
        "Budget": "over 20k",
        "N": "3",
        "Also sent": "ref: a, b",
        "Inquiry": key,
    }
    assert table(bare) == []  # a won one is not open


def test_formulas_are_text_in_cells_and_headings(bare: Room) -> None:
    values = {"name": "=1+1", "email": "@SUM(A1)", "a": "+1+1", "b": "\t=2", "c": "＝3"}
    labels = (("a", "=HYPERLINK(1)"), ("b", "-2"), ("c", "Plain"))
    put(bare, values=values, labels=labels, extra={"=x": ("=y",)}, page="=page", page_title="=title", form="=form")
    response = bare.client().get("/inbox/export.csv")
    for record in csv.reader(io.StringIO(response.data.decode("utf-8-sig"), newline="")):
        assert [cell for cell in record if cell.strip()[:1] in set("=+-@＝") or cell[:1] in set("\t\r\n")] == []
    (row,) = table(bare)
    assert (row["Name"], row["'=HYPERLINK(1)"], row["Plain"]) == ("'=1+1", "'+1+1", "'＝3")


def test_fields_with_one_label_are_both_kept(bare: Room) -> None:
    labels = (("one", "Name"), ("two", "Name"), ("message", "Message"))
    put(bare, values={"name": "Ada", "one": "first", "two": "second", "message": "x"}, labels=labels)
    put(bare, values={"name": "Bea", "message": "y"}, labels=labels, form="guide")
    first, second = sorted(table(bare), key=lambda row: row["Form"])
    assert (first["Name"], first["Name (contact one)"], first["Name (contact two)"]) == ("Ada", "first", "second")
    assert (second["Message (guide message)"], second["Name (contact one)"]) == ("y", "")


def test_the_same_filters_as_the_list(bare: Room) -> None:
    put(bare, values={"name": "Ada Byron", "message": "x"})
    put(bare, values={"name": "Bea Crane", "message": "y"}, form="guide")
    assert [row["Name"] for row in table(bare, "/inbox/export.csv?q=byron")] == ["Ada Byron"]
    assert [row["Name"] for row in table(bare, "/inbox/export.csv?form=guide&from=50")] == ["Bea Crane"]
    assert bare.client().get("/inbox/export.csv?view=none").status_code == 400


def test_json_is_raw(bare: Room) -> None:
    values = {"name": "=1+1", "email": "ada@x.example", "message": "two\nlines \u202e", "several": ["a", "b"]}
    put(bare, values=values, extra={"ref": ("x",)})
    put(bare, values={"name": "Bea", "message": "z"})
    response = bare.client().get("/inbox/export.json?sort=newest")
    found = json.loads(response.data)
    assert len(found) == 2
    own = next(one for one in found if one["name"] == "=1+1")
    assert own["submissions"][0]["values"] == values
    assert own["submissions"][0]["extra"] == {"ref": ["x"]}
    assert own["received_at"] == "2026-11-23T15:20:00.000000Z"
    assert json.loads(bare.client().get("/inbox/export.json?q=nobody").data) == []


@pytest.mark.parametrize("ending, media", [("csv", "text/csv; charset=utf-8"), ("json", "application/json")])
def test_files_are_saved_and_never_kept(bare: Room, ending: str, media: str) -> None:
    response = bare.client().get(f"/inbox/export.{ending}")
    assert response.headers["Content-Type"] == media
    assert response.headers["Content-Disposition"] == f'attachment; filename="inquiries-2026-11-23.{ending}"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.is_streamed


def test_a_follow_up_has_a_record_of_its_own(bare: Room) -> None:
    first = put(bare, instance="k", values={"name": "Ada", "message": "one"})
    assert put(bare, instance="k", values={"name": "Ada", "message": "two"}) == first
    assert {row["Message"] for row in table(bare)} == {"one", "two"}
    assert {row["Inquiry"] for row in table(bare)} == {first}
