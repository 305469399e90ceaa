from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.accept import Refusal, accept
from capture.answers import origin_of
from capture.ids import Ids, instance_key
from capture.judge import judge
from capture.limits import Limit, Limits, Room
from capture.model import Consent, Submission
from capture.posting import Post
from capture.setup import PageRow
from capture.thanks import message, read_next
from obverse.forms.form import Form, FormField, Slot
from tests.capture.house import CONTACT, KEY, NOW, PAGES, Tokens

ANSWERS = {"name": "Ann Example", "email": "Ann@Example.org", "message": "What does it cost?"}
UUID = "0f3c1b52-6a40-4d39-9d5e-1f2c3b4a5d6e"


def post(**fields: str) -> Post:
    return Post({name: (text,) for name, text in fields.items()}, hosts=frozenset({"site.test"}), network="1.2.3.0/24")


def submission(form: Form = CONTACT, page: PageRow | None = None, key: str = KEY, **fields: str) -> Submission:
    found = accept(form, post(**{**ANSWERS, **fields}), page, NOW, Ids(key, Tokens()))
    assert isinstance(found, Submission), found
    return found


def test_a_submission_is_all_that_was_seen_and_sent() -> None:
    found = submission(page=PAGES[1], news="yes", utm="spring", _ob_page=PAGES[1].id, _ob_instance=UUID)
    assert found.form == "contact"
    assert (found.rules, found.words, found.lang) == (CONTACT.rules, CONTACT.words, "en")
    assert (found.page, found.page_title) == ("articles/pricing.md", "What a price says")
    assert found.values["email"] == found.email == "Ann@Example.org"
    assert found.name == "Ann Example"
    assert found.extra == {"utm": ("spring",)}
    assert found.labels[0] == ("name", "Your name")
    assert found.consents == (Consent("news", "I agree to receive one article a month.", given=True),)
    assert found.received_at == NOW
    assert found.network == "1.2.3.0/24"
    assert not found.verdict.held


def test_wrong_answers_are_refused_and_nothing_else() -> None:
    found = accept(CONTACT, post(email="x", _ob_trap="spam"), None, NOW, Ids(KEY, Tokens()))
    assert isinstance(found, Refusal)
    assert [(one.field, one.code) for one in found.errors] == [
        ("name", "required"),
        ("email", "email"),
        ("message", "required"),
    ]


def test_headings_have_neither_label_nor_value() -> None:
    form = replace(CONTACT, fields=(FormField("about", type="heading", label="About you"), *CONTACT.fields))
    assert "about" not in dict(submission(form).labels)


# --- ids


def test_a_key_fixes_id_and_receipt() -> None:
    first, again = (submission(_ob_instance=UUID) for _ in range(2))
    assert (first.id, first.receipt, first.follow_up_receipt) == (again.id, again.receipt, again.follow_up_receipt)
    assert all(len(one) == 32 and int(one, 16) for one in (first.id, first.receipt, first.content))


def test_other_content_is_another_id_under_the_same_receipt() -> None:
    first, second = submission(_ob_instance=UUID), submission(_ob_instance=UUID, message="And today?")
    assert first.receipt == second.receipt
    assert first.id != second.id
    assert first.follow_up_receipt != second.follow_up_receipt
    assert len({first.receipt, first.id, second.id, first.follow_up_receipt, second.follow_up_receipt}) == 5


def test_no_key_is_chance() -> None:
    ids = Ids(KEY, Tokens())
    found = [accept(CONTACT, post(**ANSWERS), None, NOW, ids) for _ in range(2)]
    assert all(isinstance(one, Submission) for one in found)
    assert found[0].id != found[1].id  # type: ignore[union-attr]
    assert found[0].content == found[1].content  # type: ignore[union-attr]


def test_another_secret_is_another_receipt() -> None:
    assert submission(_ob_instance=UUID).receipt != submission(key="other", _ob_instance=UUID).receipt
    assert submission().content != submission(key="other").content, "an erased address cannot be guessed from it"


def test_another_form_is_another_receipt() -> None:
    other = replace(CONTACT, name="other")
    assert submission(_ob_instance=UUID).receipt != submission(other, _ob_instance=UUID).receipt


def test_parts_of_an_id_do_not_run_together() -> None:
    ids = Ids(KEY, Tokens())
    assert ids.named("a", "b" * 16 + "c", "d") != ids.named("a", "b" * 16, "cd")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"name": " Ann Example "}, True),
        ({"name": "Ann E\u0301xample"}, False),
        ({"message": "What does it cost?\r\n"}, True),
        ({"_ob_elapsed": "9999"}, True),
        ({"_ob_page": "articles/pricing.md"}, True),
        ({"budget": ""}, True),
        ({"budget": "small"}, False),
        ({"utm": "spring"}, False),
    ],
)
def test_content_is_what_was_meant(change: dict[str, str], same: bool) -> None:
    assert (submission(**change).content == submission().content) is same


@pytest.mark.parametrize(
    ("sent", "key"),
    [(UUID, UUID), ("0" * 32, "0" * 32), ("1", ""), ("", ""), ("x" * 65, ""), ("x" * 15 + "\n", ""), ("é" * 20, "")],
)
def test_a_key_is_what_a_script_makes(sent: str, key: str) -> None:
    assert instance_key(sent) == key


# --- the verdict


@pytest.mark.parametrize(
    ("sent", "reasons"),
    [
        ({}, ()),
        ({"_ob_trap": ("",), "_ob_elapsed": ("",)}, ()),
        ({"_ob_trap": (" ",)}, ()),
        ({"_ob_trap": ("x",)}, ("trap",)),
        ({"_ob_elapsed": ("1499",)}, ("fast",)),
        ({"_ob_elapsed": (" 1500 ",)}, ()),
        ({"_ob_elapsed": ("٣",)}, ()),
        ({"_ob_elapsed": ("1e2",)}, ()),
        ({"_ob_trap": ("x",), "_ob_elapsed": ("1",)}, ("trap", "fast")),
    ],
)
def test_the_verdict(sent: dict[str, tuple[str, ...]], reasons: tuple[str, ...]) -> None:
    assert judge(sent).reasons == reasons


# --- limits


def taken(limits: Limits, key: str, rate: int, now: float, *, times: int = 1, proved: bool = False) -> Room:
    return limits.take([Limit((key,), rate)], times, now, proved=proved)


def waits(limits: Limits, key: str, now: float, many: int = 1) -> list[int]:
    """What posts that come at once are told at a limit of three, where no proof is asked for."""
    return [taken(limits, key, 3, now).wait for _ in range(many)]


def test_a_network_may_send_so_many_in_ten_minutes() -> None:
    limits = Limits()
    assert waits(limits, "a", 0.0, 4) == [0, 0, 0, 200]
    assert waits(limits, "b", 0.0) == [0]
    assert waits(limits, "a", 199.0) == [1]
    assert waits(limits, "a", 200.0, 2) == [0, 200]
    assert waits(limits, "a", 10_000.0, 4) == [0, 0, 0, 200]


def test_being_refused_costs_nothing() -> None:
    limits = Limits()
    waits(limits, "a", 0.0, 3)
    assert set(waits(limits, "a", 0.0, 50)) == {200}


def test_past_the_rate_a_proof_lets_in_until_so_many_times_of_it() -> None:
    limits = Limits()
    assert [taken(limits, "a", 3, 0.0, times=3) for _ in range(5)] == [Room()] * 3 + [Room(proof=True)] * 2
    proved = [taken(limits, "a", 3, 0.0, times=3, proved=True) for _ in range(7)]
    assert proved == [Room(proof=True)] * 6 + [Room(proof=True, wait=200)]
    assert taken(limits, "a", 3, 1200.0, times=3) == Room(proof=True)
    assert taken(limits, "a", 3, 1400.0, times=3) == Room()


def test_the_fullest_bucket_decides_and_none_is_filled_by_what_may_not_come() -> None:
    limits = Limits()
    both = [Limit(("one",), 5), Limit(("all",), 2)]
    assert [limits.take(both, 1, 0.0).wait for _ in range(4)] == [0, 0, 300, 300]
    assert [limits.take(both[:1], 1, 0.0).wait for _ in range(4)] == [0, 0, 0, 120]


def test_many_networks_take_bounded_room() -> None:
    limits = Limits(room=1000)
    for one in range(200_000):
        taken(limits, f"2001:db8:{one:x}::/48", 30, one / 1000)
    assert len(limits) == 1000


# --- the message


@pytest.mark.parametrize(
    ("values", "html", "text"),
    [
        ({"name": "Ann"}, "<p>Thank you, Ann. Bye</p>", "Thank you, Ann. Bye"),
        (
            {"name": "<b>{name}</b>"},
            "<p>Thank you, &lt;b&gt;{name}&lt;/b&gt;. Bye</p>",
            "Thank you, <b>{name}</b>. Bye",
        ),
        ({"name": "", "email": "x"}, "<p>Thank you. Bye</p>", "Thank you. Bye"),
        (None, "<p>Default &amp; so</p>", "Default & so"),
        ({}, "<p>Default &amp; so</p>", "Default & so"),
    ],
)
def test_a_message_is_filled_once(values: dict[str, Any] | None, html: str, text: str) -> None:
    form = replace(CONTACT, thanks=("<p>Thank you, ", Slot("name"), ". Bye</p>"))
    told = message(form, values, "Default & so")
    assert (told.html, told.text) == (html, text)


def test_options_are_filled_by_their_labels() -> None:
    fields = (FormField("many", type="choices", options={"a": "Ay", "b": "Bee"}), FormField("yes", type="boolean"))
    form = replace(CONTACT, fields=fields, thanks=(Slot("many"), " | ", Slot("yes"), Slot("gone")))
    assert message(form, {"many": ("a", "b"), "yes": True}, "").text == "Ay, Bee |"


def test_a_message_without_slots_needs_no_values() -> None:
    form = replace(CONTACT, thanks=("<p>It&#39;s on its\nway.</p>\n<ul><li>one</li><li>two</li></ul>",))
    assert message(form, None, "x").text == "It's on its way.\none\ntwo"
    assert message(replace(CONTACT, thanks=()), {"name": "Ann"}, "x").text == "x"
    assert message(None, {"name": "Ann"}, "x").html == "<p>x</p>"


def test_what_to_read_next() -> None:
    rows = [
        PageRow("a", "/a/", "A", kind="article", date="2026-01-01", tags=("x",)),
        PageRow("b", "/b/", "B", kind="article", date="2026-03-01"),
        PageRow("c", "/c/", "C", kind="article", date="2026-02-01"),
        PageRow("d", "/d/", "D", kind="article", date="2026-05-01", lang="de"),
        PageRow("e", "/e/", "E", date="2026-06-01"),
        PageRow("f", "/f/", "F", kind="article", date="2025-01-01"),
    ]
    assert [one.id for one in read_next(rows, "en", None)] == ["b", "c", "a"]
    assert [one.id for one in read_next(rows, "en", PageRow("z", "/z/", "Z", tags=("x",)))] == ["a", "b", "c"]
    assert [one.id for one in read_next(rows, "en", rows[1])] == ["c", "a", "f"]
    assert read_next([], "en", None) == []


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://site.test/blog", "https://site.test"),
        ("https://SITE.test:443/", "https://site.test"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("ftp://site.test", ""),
        ("https://", ""),
        ("//site.test", ""),
        ("https://site.test:99999", ""),
        ("", ""),
    ],
)
def test_origins_are_written_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@given(st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=30), max_size=3).map(tuple), max_size=8))
def test_whatever_is_sent_is_taken_or_refused(fields: dict[str, tuple[str, ...]]) -> None:
    sent = Post({**{name: (text,) for name, text in ANSWERS.items()}, **fields})
    found = accept(CONTACT, sent, None, NOW + timedelta(days=1), Ids(KEY, Tokens()))
    assert isinstance(found, Submission | Refusal)
