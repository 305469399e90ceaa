"""Case 50: what a spreadsheet would compute is text in values and headings; telephones stay readable; JSON is raw."""

import csv
import io
import json
import re
from pathlib import Path

from tests.capture.hostile import CELLS, PHONE, siege

BEGINS_A_FORMULA = re.compile("[\\s\u200b\ufeff]*[=+\\-@＝＋－＠]|[\t\r\n]")


def test_no_cell_is_computed_and_nothing_is_lost(tmp_path: Path) -> None:
    """Each text was sent as a value and as a field's name; every inquiry also has empty cells."""
    with siege(tmp_path, CELLS) as house:
        csv_text = house.client().get("/inbox/export.csv?view=all").data.decode("utf-8-sig")
        raw = json.loads(house.client().get("/inbox/export.json?view=all").data)
    table = list(csv.reader(io.StringIO(csv_text, newline="")))
    assert len(table) == 1 + len(CELLS)
    assert len(set(table[0])) == len(table[0]), "two columns of one label are both there"
    assert {len(row) for row in table} == {len(table[0])}
    assert any("" in row for row in table[1:])
    assert {cell for row in table for cell in row if BEGINS_A_FORMULA.match(cell)} == {PHONE}
    names = {one["submissions"][0]["values"]["name"] for one in raw}
    assert names == {" ".join(text.split()) for text in CELLS}
