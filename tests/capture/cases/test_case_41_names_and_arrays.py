"""Case 41: a payload in a field's NAME, an array's index, an array's values, or what the form does not know."""

from pathlib import Path

import pytest

from tests.capture.hostile import ENDPOINT, PHONE, faults, siege

TEXT = '"><script>owned(2)</script>'
PLAIN = {"name": "Ann", "email": "ann@example.org", "phone": PHONE, "message": "Hello"}


@pytest.mark.parametrize(
    "sent", [{TEXT: "x"}, {f"items[{TEXT}]": "x"}, {"items[]": [TEXT, TEXT]}, {f"a[0][{TEXT}][]": [TEXT]}]
)
def test_names_and_arrays_are_kept_as_text(tmp_path: Path, sent: dict[str, str | list[str]]) -> None:
    with siege(tmp_path, ()) as house:
        assert house.app.test_client().post(ENDPOINT, data={**PLAIN, **sent}).status_code == 303
        with house.house.database.read() as connection:
            key = connection.exec_driver_sql("SELECT id FROM inquiries").scalar_one()
        client = house.client()
        for path in (f"/inbox/i/{key}", "/inbox/?view=all", "/inbox/export?view=all"):
            assert (path, faults(client.get(path).text)) == (path, [])
        (record,) = client.get("/inbox/export.json?view=all").get_json(force=True)
        assert set(sent) <= set(record["submissions"][0]["extra"])
