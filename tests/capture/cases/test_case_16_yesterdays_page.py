"""Case 16: the form has changed and the visitor has yesterday's page: yesterday's rules accept it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from capture.house import House
from capture.store.tables import answers
from obverse.forms.form import Form, FormField
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import CONTACT, FORMS, a_house, write_release
from tests.serving import until

STRICTER = replace(CONTACT, fields=(*CONTACT.fields, FormField("company", label="Company", required=True)))


def publish(house: House, form: Form) -> None:
    """Another version of the form; the house looks for it as soon as somebody sends it."""
    assert house.setup.release
    write_release(house.setup.release, forms=(form, *FORMS[1:]))
    until(lambda: form.rules in {one.rules for one in house.releases.current("contact", form.rules).forms.values()})


def test_a_field_that_is_required_since_today_refuses_nobody_from_yesterday(tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        receipt_of(post(visitor(house), **key(), _ob_version=CONTACT.version))
        publish(house, STRICTER)
        yesterday = post(visitor(house), **key(), _ob_version=CONTACT.version, budget="small")
        assert receipt_of(yesterday)
        today = post(visitor(house), **key(), _ob_version=STRICTER.version)
        assert today.status_code == 422
        assert "Company" in today.text
        assert receipt_of(post(visitor(house), **key(), _ob_version=STRICTER.version, company="Nichols"))
        assert len(stored(house)) == 3


def test_a_field_that_is_no_more_is_kept(tmp_path: Path) -> None:
    shorter = replace(CONTACT, fields=tuple(one for one in CONTACT.fields if one.name != "budget"))
    with a_house(tmp_path) as house:
        publish(house, shorter)
        receipt_of(post(visitor(house), **key(), _ob_version=shorter.version, budget="small"))
        assert [extra["budget"] for (extra,) in stored(house, answers.c.extra)] == [["small"]]
