"""The command line's side of capture: what it prints, what it refuses, and that looking makes nothing."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from capture import terminal
from capture.access import passwords
from capture.columns import aligned, clipped, harmless
from capture.house import House
from capture.model import Consent, Verdict
from capture.store import people
from capture.store.database import Database
from capture.store.saving import save
from tests.capture.house import a_house
from tests.capture.samples import make_outgoing, make_submission, tokens

HOSTILE = "Ann\x1b[2J\x1b]0;owned\x07\u202eevil\r\nFAKE LINE"
GOOD = "a coin has two sides"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def root(sqlite_url: str, tmp_path: Path) -> Path:
    """A site with three inquiries: Ada's, a hostile one, and one that is held."""
    with a_house(tmp_path) as house:
        fill(house)
    return tmp_path


def fill(house: House) -> None:
    token = tokens("terminal")
    ada = {"name": "Ada Byron", "email": "ada@example.org", "message": "What does it cost?\nAnd when?", "news": True}
    evil = {"name": HOSTILE, "email": "evil@example.org", "message": HOSTILE}
    held = {"name": "Bot", "email": "bot@example.org", "message": "Buy"}
    consents = (Consent("news", "I agree to receive one article a month.", given=True),)
    with house.database.write() as connection:
        one = make_submission(values=ada, page_title="What a price says", consents=consents, extra={"utm": ("x", "y")})
        save(connection, one, (make_outgoing(),), token)
        save(connection, make_submission(values=evil, page="contact.md", page_title=HOSTILE), (), token)
        save(connection, make_submission(values=held, verdict=Verdict(("trap",))), (), token)


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[str, str]]:
    """What was printed: to the one who asked, and of problems."""

    def read() -> tuple[str, str]:
        told = capsys.readouterr()
        return told.out, told.err

    return read


Out = Callable[[], tuple[str, str]]


def ids(root: Path) -> dict[str, str]:
    database = Database.open("", root / "var")
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT c.email, i.id FROM inquiries i JOIN contacts c ON c.id = i.contact"
        ).all()
    database.close()
    return {str(row[0]).partition("@")[0]: str(row[1]) for row in rows}


# Looking.


def test_looking_where_nobody_has_written_makes_nothing(tmp_path: Path, out: Out) -> None:
    calls = [
        lambda: terminal.inquiries_list(tmp_path, "open", "", False, False),
        lambda: terminal.inquiries_export(tmp_path, "csv", False),
        lambda: terminal.report(tmp_path, "", "table", False),
        lambda: terminal.users_list(tmp_path, True),
    ]
    assert [call() for call in calls] == [0, 0, 0, 0]
    told, problems = out()
    assert told == (
        "No inquiry yet: nobody has sent a form.\n" * 2
        + "Nobody may log in yet: obverse users add E-MAIL lets somebody in.\n"
    )
    assert problems == "No inquiry yet: nobody has sent a form.\n"
    assert terminal.inquiries_list(tmp_path, "open", "", True, False) == 0
    assert json.loads(out()[0]) == []
    for code in (
        terminal.inquiries_show(tmp_path, "abcd", False),
        terminal.inquiries_note(tmp_path, "abcd", "x", False),
        terminal.users_remove(tmp_path, "ann@house.test", False),
        terminal.users_password(tmp_path, "ann@house.test", False),
    ):
        assert code == 1
    assert list(tmp_path.iterdir()) == []


def test_the_list_shows_who_waits_and_can_do_nothing_to_a_terminal(root: Path, out: Out) -> None:
    assert terminal.inquiries_list(root, "open", "", False, False) == 0
    told, _ = out()
    lines = told.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["id", "waits", "stage", "name", "article", "form", "owner", "value"]
    assert "Ada Byron" in told
    assert ids(root)["ada"][:8] in told
    assert "\\x1b[2J" in told
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(told)
    assert not [line for line in lines if line.startswith("FAKE")]


def test_the_list_is_narrowed_and_says_so_when_it_is_empty(root: Path, out: Out) -> None:
    terminal.inquiries_list(root, "held", "", False, False)
    assert "Bot" in out()[0]
    terminal.inquiries_list(root, "all", "byron", False, False)
    assert len(out()[0].splitlines()) == 2
    terminal.inquiries_list(root, "won", "", False, False)
    assert out()[0] == "No inquiry is won.\n"
    terminal.inquiries_list(root, "open", "nothing like it", False, False)
    assert out()[0] == "No inquiry is like that.\n"


def test_as_json_the_list_is_whole_and_raw(root: Path, out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_MOST", 1)
    terminal.inquiries_list(root, "all", "", True, False)
    found = json.loads(out()[0])
    assert {one["name"] for one in found} == {"Ada Byron", HOSTILE, "Bot"}
    terminal.inquiries_list(root, "all", "", False, False)
    assert "… and 2 more: narrow it with --search" in out()[0]


def test_one_inquiry_is_shown_whole_by_the_beginning_of_its_id(root: Path, out: Out) -> None:
    terminal.inquiries_note(root, ids(root)["ada"][:6], "Call her\ntomorrow", False)
    out()
    assert terminal.inquiries_show(root, ids(root)["ada"][:6].upper(), False) == 0
    told, _ = out()
    for part in (
        "Ada Byron\n",
        "  ada@example.org\n",
        "article  What a price says /articles/pricing/\n",
        "stage    new\n",
        "  Message:\n    What does it cost?\n    And when?\n",
        "yes: I agree to receive one article a month.\n",
        "  utm (",
        ": x, y\n",
        "    Call her\n    tomorrow\n",
        "mail to sales@example.com: waiting\n",
    ):
        assert part in told
    terminal.inquiries_show(root, ids(root)["evil"], False)
    told, _ = out()
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(told)
    assert "\nFAKE" not in told


# Acting.


def test_an_inquiry_is_won_with_a_value_and_the_report_has_it(root: Path, out: Out) -> None:
    ada = ids(root)["ada"]
    assert terminal.inquiries_stage(root, ada[:8], "won", "8,000", "", False) == 0
    assert out()[0] == f"{ada[:8]} is won now, 8,000 EUR\n"
    assert terminal.report(root, "", "table", False) == 0
    told, _ = out()
    assert "What a price says          1     1          1    1  8,000 EUR" in told
    terminal.report(root, "2027-01-01", "json", False)
    assert json.loads(out()[0])["pages"] == []
    terminal.report(root, "", "json", False)
    assert json.loads(out()[0])["pages"][0]["value"] == 8000


@pytest.mark.parametrize(
    "stage, value, reason, told",
    [
        ("won", "much", "", "That is no amount. Write it like 12,000 or 12000.50"),
        ("lost", "", "", "A lost inquiry needs one of the reasons"),
        ("lost", "", "weather", "A lost inquiry needs one of the reasons"),
        ("qualified", "5", "", "Only a won inquiry has a value"),
    ],
)
def test_a_change_that_makes_no_sense_is_a_problem(
    root: Path, out: Out, stage: str, value: str, reason: str, told: str
) -> None:
    assert terminal.inquiries_stage(root, ids(root)["ada"], stage, value, reason, False) == 1
    shown, problems = out()
    assert (shown, problems.splitlines()[0]) == ("", f"obverse error: {told} [bad-value]")
    if stage == "lost":
        assert "hint: the reasons are price, timing, fit" in problems


@pytest.mark.parametrize(
    "prefix, told",
    [
        ("abc", "'abc' is no id: give the first 4 or more of its characters"),
        ("%%%%", "'%%%%' is no id"),
        ("____", "'____' is no id"),
        ("", "'' is no id"),
        ("0" * 32, "no inquiry begins with '" + "0" * 32 + "'"),
    ],
)
def test_an_id_that_names_none_is_a_problem(root: Path, out: Out, prefix: str, told: str) -> None:
    assert terminal.inquiries_show(root, prefix, False) == 1
    assert out()[1].startswith(f"obverse error: {told}")


def test_an_id_that_names_several_lists_them(root: Path, out: Out) -> None:
    database = Database.open("", root / "var")
    with database.write() as connection:
        known = [row[0] for row in connection.exec_driver_sql("SELECT id FROM inquiries ORDER BY id")]
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for number, old in enumerate(known):
            new = f"abcd{number}" + old[5:]
            for name in ("submissions", "events", "outbox"):
                connection.exec_driver_sql(f"UPDATE {name} SET inquiry = ? WHERE inquiry = ?", (new, old))
            connection.exec_driver_sql("UPDATE inquiries SET id = ? WHERE id = ?", (new, old))
    database.close()
    assert terminal.inquiries_show(root, "abcd", False) == 1
    problems = out()[1]
    assert "more than one inquiry begins with 'abcd'" in problems
    assert "[unknown-inquiry]" in problems
    assert "give more of it: abcd0" in problems
    assert terminal.inquiries_show(root, "abcd1", False) == 0


def test_the_export_is_the_inboxs_own(root: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert terminal.inquiries_export(root, "csv", False) == 0
    table = capfdbinary.readouterr().out
    assert table.startswith(b"\xef\xbb\xbf")
    assert table.count(b"\r\n") >= 4
    assert terminal.inquiries_export(root, "json", False) == 0
    assert {one["email"].partition("@")[0] for one in json.loads(capfdbinary.readouterr().out)} == {
        "ada",
        "evil",
        "bot",
    }


# People.


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Somebody at a terminal."""
    given = iter(answers)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(given))


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def stored(root: Path, email: str) -> people.Person | None:
    database = Database.open("", root / "var")
    with database.read() as connection:
        found = people.person_by_email(connection, email)
    database.close()
    return found


def test_a_person_is_let_in_given_another_password_and_let_out(
    tmp_path: Path, out: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, GOOD, GOOD)
    assert terminal.users_add(tmp_path, " Ann@House.test ", "Ann", False) == 0
    assert out() == ("ann@house.test may log in now\n", "")
    ann = stored(tmp_path, "ann@house.test")
    assert ann is not None
    assert passwords.fits(GOOD, ann.password)
    piped(monkeypatch, "another good sentence\nmore\n")
    assert terminal.users_password(tmp_path, "ANN@house.test", False) == 0
    again = stored(tmp_path, "ann@house.test")
    assert again is not None
    assert passwords.fits("another good sentence", again.password)
    out()
    terminal.users_list(tmp_path, False)
    assert out()[0].splitlines()[1].split()[:2] == ["ann@house.test", "Ann"]
    assert terminal.users_remove(tmp_path, "ann@house.test", False) == 0
    assert stored(tmp_path, "ann@house.test") is None
    out()
    terminal.users_list(tmp_path, False)
    assert out()[0].startswith("Nobody may log in yet")
    piped(monkeypatch, GOOD)
    assert terminal.users_add(tmp_path, "ann@house.test", "", False) == 0
    back = stored(tmp_path, "ann@house.test")
    assert back is not None
    assert back.id == ann.id


@pytest.mark.parametrize(
    "email, answers, told",
    [
        ("ann", (), "'ann' is no e-mail address [bad-value]"),
        ("", (), "'' is no e-mail address [bad-value]"),
        ("ann@house.test\x1b", (), "is no e-mail address [bad-value]"),
        ("ann@house.test", (GOOD, GOOD + "!"), "the password was not the same both times [bad-value]"),
        ("ann@house.test", ("short", "short"), "the new password needs at least 12 characters [bad-value]"),
    ],
)
def test_a_person_is_not_let_in_by_mistake(
    tmp_path: Path, out: Out, monkeypatch: pytest.MonkeyPatch, email: str, answers: tuple[str, ...], told: str
) -> None:
    typed(monkeypatch, *answers)
    assert terminal.users_add(tmp_path, email, "", False) == 1
    assert told in out()[1]
    assert "\x1b" not in out()[1]


def test_an_address_is_let_in_once(tmp_path: Path, out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, GOOD)
    terminal.users_add(tmp_path, "ann@house.test", "", False)
    out()
    assert terminal.users_add(tmp_path, "ann@house.test", "", False) == 1
    assert "'ann@house.test' may log in already [unknown-user]" in out()[1]


def test_the_preview_has_people_of_its_own(tmp_path: Path, out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, GOOD)
    assert terminal.users_add(tmp_path, "ann@house.test", "", True) == 0
    assert (tmp_path / "var/preview/obverse.db").is_file()
    assert not (tmp_path / "var/obverse.db").exists()


# What is wrong with the house.


def test_secrets_that_cannot_be_read_stop_everything(root: Path, out: Out) -> None:
    (root / "var/secrets.toml").write_text('database = "mysql://x"\n', "utf-8")
    assert terminal.inquiries_list(root, "open", "", False, False) == 1
    assert "'database' must begin with postgresql://" in out()[1]


def test_a_database_that_is_none_is_a_problem(tmp_path: Path, out: Out) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var/obverse.db").write_bytes(b"no database " * 1000)
    assert terminal.inquiries_list(tmp_path, "open", "", False, False) == 1
    assert "[run-database]" in out()[1]


def test_a_day_that_is_none_is_a_problem(root: Path, out: Out) -> None:
    assert terminal.report(root, "yesterday", "table", False) == 1
    assert "'yesterday' is no day [bad-value]" in out()[1]


# Columns.


def test_columns_stand_under_one_another_whatever_the_letters() -> None:
    assert aligned([("a", "1"), ("日本", "22"), ("e\u0301", "3")], right=(1,)) == "a      1\n日本  22\ne\u0301      3"


def test_texts_are_cut_by_columns() -> None:
    assert clipped("日本語です", 6) == "日本…"
    assert clipped("short", 6) == "short"


def test_what_moves_a_cursor_is_written_out() -> None:
    assert harmless("a\x1b[31mb\u202ec\td\x9be") == "a\\x1b[31mb\\x202ec d\\x9be"
    assert harmless("क्\u200dष 日本") == "क्\u200dष 日本"
