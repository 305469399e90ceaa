"""Case 24: neither a screen reader nor the keyboard nor autofill reaches the honeypot.

axe passes on pages with forms in `tests/browser/test_axe.py`.
"""

import re

from obverse.forms.html import TRAP, form_html
from tests.capture.house import CONTACT


def test_nobody_is_led_to_it() -> None:
    page = form_html(CONTACT, "/_ob/f/contact", lambda key, **_: key)
    found = re.search(
        rf'<p class="form-trap" aria-hidden="true">.*?(<input[^>]*name="{TRAP}"[^>]*>)</p>', page, re.DOTALL
    )
    assert found, "it is hidden from screen readers as a whole"
    assert 'tabindex="-1"' in found[1]
    assert 'autocomplete="off"' in found[1]
    assert "required" not in found[1]
    names = ("name", "email", "phone", "tel", "address", "company", "website", "url")
    assert not [one for one in names if one in TRAP], "no autofill takes it for one of its own"
    assert "display:none" not in page, "programs that look for that would leave it alone"
