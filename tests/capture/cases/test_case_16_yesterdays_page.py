"""Case 16: the form has changed, the visitor has yesterday's page. Accepted by its version, without the new field."""

from dataclasses import replace
from pathlib import Path

from capture.house import House
from capture.store.tables import answers, submissions
from obverse.forms.form import FormField
from tests.capture.house import CONTACT, write_release
from tests.capture.posting import ANSWERS, FORM, client, rows


def test_case_16_yesterdays_page_is_taken_by_yesterdays_rules(house: House, tmp_path: Path) -> None:
    fields = (*CONTACT.fields[1:], FormField("company", label="Company", required=True))  # and no name any more
    write_release(tmp_path / "release", forms=(replace(CONTACT, fields=fields),))
    house.releases._looked = None
    browser = client(house)
    assert browser.post(FORM, data={**ANSWERS, "_ob_version": CONTACT.version}).status_code == 303
    assert rows(house, submissions)[0]["rules"] == CONTACT.rules
    assert rows(house, answers)[0]["values"]["name"] == ANSWERS["name"]
    assert browser.post(FORM, data=ANSWERS).status_code == 422, "today's page has today's rules"
