"""Case 55: an address of ten thousand labels, or an owner's pattern that backtracks for ever, costs milliseconds.

What a browser says of the same patterns is compared in `tests/browser`; the engine is linear by its construction.
"""

import time

import pytest

from obverse.forms.address import email_key, read_email
from obverse.forms.checking import check
from obverse.forms.form import Form, FormField
from obverse.forms.pattern import Refused, matches, parse
from obverse.schema import Refused as BadValue

SECONDS = 1.0  # for all of it, on a machine that has other things to do; what backtracks takes years

LONG = "a" * 200_000


@pytest.mark.parametrize(
    "address", ["a@" + "a." * 10_000 + "b", "@" * 50_000, LONG + "@x", '"' * 50_000, "a@" + "-" * 50_000]
)
def test_addresses_are_judged_at_once(address: str) -> None:
    started = time.process_time()
    form = Form("f", "en", "", "", (FormField("email", type="email", required=True, max=254),), thanks=())
    with pytest.raises(BadValue):
        read_email(address)
    email_key(address)
    assert check(form, {"email": (address,)}).errors
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("pattern", ["(a|aa)+", "(a+)+", "(a*)*b", "(x+x+)+y"])
def test_patterns_that_would_explode_are_refused_where_they_are_written(pattern: str) -> None:
    with pytest.raises(Refused):
        parse(pattern)


@pytest.mark.parametrize("pattern", ["a*a*a*a*a*b", "[a-z]*[a-z]*[a-z]*!", "a{0,50}a{0,50}a{0,50}b"])
def test_patterns_that_are_taken_are_linear(pattern: str) -> None:
    started = time.process_time()
    assert not matches(pattern, "a" * 4000)
    assert time.process_time() - started < SECONDS
