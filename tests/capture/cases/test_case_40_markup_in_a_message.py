"""Case 40: `<img onerror>` in a message is text wherever staff read, answer or edit."""

from pathlib import Path

import pytest

from tests.capture.hostile import Page, faults, siege

TEXTS = ("'><img src=x onerror=owned(3)>", "</textarea><script>owned(5)</script>")


@pytest.mark.parametrize("text", TEXTS)
def test_markup_in_a_message_stands_there_as_text(tmp_path: Path, text: str) -> None:
    with siege(tmp_path, (text,)) as house:
        with house.house.database.read() as connection:
            key = connection.exec_driver_sql("SELECT id FROM inquiries").scalar_one()
        page = house.client().get(f"/inbox/i/{key}")  # which is where the reply and the note are typed
        assert page.text.count("<textarea") == page.text.count("</textarea>") > 0
        assert faults(page.text) == []
        assert text in Page(page.text).text
        assert "<img" not in page.text.partition("<main")[2]
