import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.release import Release, ReleaseError, Releases, Shell, take_in
from capture.setup import PageRow
from capture.shelf import KEPT, newest, newest_number
from obverse.forms.form import Form
from tests.capture.house import CONTACT, CONTACT_DE, FORMS, GUIDE, PAGES, SETTINGS, no_sync, write_release

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")


class Seconds:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_release(tmp_path / "release")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "releases"


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def taken(store: Path) -> Release:
    return Releases(store).current()


CHANGED = replace(CONTACT, fields=(*CONTACT.fields, replace(CONTACT.fields[0], name="company", label="Company")))


def test_what_a_build_wrote_comes_out_again(source: Path, store: Path) -> None:
    take_in(source, store)
    release = taken(store)
    assert release.settings == SETTINGS
    assert tuple(release.forms[one.name, one.lang] for one in FORMS) == FORMS
    assert tuple(release.pages.values()) == PAGES
    assert release.say("en")("capture.thanks.title") == "Thank you"


def test_the_same_release_is_taken_in_once(source: Path, store: Path) -> None:
    take_in(source, store)
    before = files(store)
    take_in(source, store)
    assert files(store) == before
    assert newest_number(store) == 1


def test_taking_in_only_adds(source: Path, store: Path) -> None:
    take_in(source, store)
    before = files(store)
    write_release(source, forms=(CHANGED,), pages=PAGES[:2])
    take_in(source, store)
    after = files(store)
    assert before.items() < after.items()


def test_a_form_of_any_time_is_known_by_its_version(source: Path, store: Path) -> None:
    take_in(source, store)
    write_release(source, forms=(CHANGED,))
    take_in(source, store)
    release = taken(store)
    assert release.form("contact", "en") == CHANGED
    assert release.form("contact", "en", CONTACT.rules, CONTACT.words) == CONTACT
    assert release.form("contact", "en", CONTACT.rules, CONTACT_DE.words) == CONTACT_DE
    assert release.form("guide", "en", GUIDE.rules, GUIDE.words) == GUIDE, "taken from the site, but a page is cached"
    assert release.form("guide", "en") is None


def test_a_version_that_is_not_known_is_the_current_form(source: Path, store: Path) -> None:
    take_in(source, store)
    release = taken(store)
    assert release.form("contact", "de", "0" * 16, "nonsense") == CONTACT_DE
    assert release.form("contact", "fr", "", "") == CONTACT
    assert release.form("contact", "de", CONTACT.rules, "words nobody saw") == CONTACT_DE
    assert release.form("guide", "de") == GUIDE
    assert release.form("nothing", "en", CONTACT.rules, CONTACT.words) is None


def test_the_newest_words_of_one_version_win(source: Path, store: Path) -> None:
    take_in(source, store)
    mended = replace(CONTACT, notify=("new@house.test",), thanks=("<p>Mended.</p>",))
    assert mended.version == CONTACT.version
    write_release(source, forms=(mended,))
    take_in(source, store)
    assert taken(store).form("contact", "en", CONTACT.rules, CONTACT.words) == mended


def test_a_release_that_came_back_is_the_current_one(source: Path, store: Path) -> None:
    for forms in (FORMS, (CHANGED,), FORMS):
        write_release(source, forms=forms)
        take_in(source, store)
    assert taken(store).form("contact", "en") == CONTACT
    assert newest_number(store) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("site.json", None),
        ("site.json", "{"),
        ("site.json", "[]"),
        ("pages.json", "{}"),
        ("pages.json", '[{"url": "/x/"}]'),
        ("pages.json", "[1]"),
        ("shell.en.html", "<p>no place for anything</p>"),
        ("shell.en.html", "%%TITLE%% %%MAIN%% %%MAIN%%"),
        ("words.en.json", "\x00"),
        ("forms/contact.en.json", '{"name": "contact"}'),
        ("forms/contact.en.json", "[]"),
    ],
)
def test_a_broken_release_leaves_the_one_before(source: Path, store: Path, name: str, text: str | None) -> None:
    take_in(source, store)
    before = files(store)
    if text is None:
        (source / name).unlink()
    else:
        (source / name).write_text(text)
    with pytest.raises(ReleaseError, match="release"):
        take_in(source, store)
    assert files(store) == before
    clock = Seconds()
    releases = Releases(store, source, clock)
    assert releases.current().form("contact", "en") == CONTACT
    write_release(source, forms=(CHANGED,))
    clock.at += 2
    assert releases.current().form("contact", "en") == CHANGED, "and the next good one is taken in"


def test_a_shelf_half_copied_shows_the_release_before(source: Path, store: Path, tmp_path: Path) -> None:
    take_in(source, store)
    write_release(source, pages=(*PAGES, PageRow("new.md", "/new/", "New")))
    take_in(source, store)
    whole = taken(store)
    half = tmp_path / "half"
    clock = Seconds()
    for number, lost in enumerate(sorted((store / "parts").iterdir())):
        shutil.copytree(store, half / str(number))
        (half / str(number) / "parts" / lost.name).write_bytes(b"{")
        releases = Releases(half / str(number), clock=clock)
        shown = releases.current()
        assert shown.pages in ({}, {page.id: page for page in PAGES}, whole.pages)
        (half / str(number) / "parts" / lost.name).write_bytes(lost.read_bytes())
        clock.at += 2
        assert releases.current().pages == whole.pages, "it is looked for again"


def test_the_disk_is_asked_once_a_second(source: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    scan = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: (asked.append(folder), scan(folder))[1])
    clock = Seconds()
    releases = Releases(store, source, clock)
    first = releases.current()
    looks = len(asked)
    assert looks
    for _ in range(100):
        assert releases.current() is first
    assert len(asked) == looks
    clock.at += 1.1
    assert releases.current() is first
    assert len(asked) == looks + 1, "nothing changed: one look at one folder"


def test_what_a_build_writes_is_followed(source: Path, store: Path) -> None:
    clock = Seconds()
    releases = Releases(store, source, clock)
    assert releases.current().form("contact", "en") == CONTACT
    write_release(source, forms=(CHANGED,))
    assert releases.current().form("contact", "en") == CONTACT, "within the second"
    clock.at += 1.1
    assert releases.current().form("contact", "en") == CHANGED


def test_what_another_process_put_on_the_shelf_is_followed(source: Path, store: Path) -> None:
    clock = Seconds()
    releases = Releases(store, None, clock)
    assert releases.current() == Release()
    take_in(source, store)
    clock.at += 1.1
    assert releases.current().form("contact", "en") == CONTACT


def test_many_releases_keep_every_form_and_few_parts(source: Path, store: Path) -> None:
    forms: list[Form] = []
    for number in range(KEPT + 5):
        forms.append(replace(CONTACT, title=f"Title {number}"))
        pages = (*PAGES, PageRow(f"{number}.md", f"/{number}/", "New"))
        write_release(source, forms=(forms[-1],), pages=pages)
        take_in(source, store)
    release = taken(store)
    assert all(release.form("contact", "en", one.rules, one.words) == one for one in forms)
    assert len(list(store.glob("*.json"))) == KEPT
    named = {
        digest
        for path in store.glob("*.json")
        for name, digest in json.loads(path.read_text())["files"].items()
        if not name.startswith("forms/")
    }
    assert {path.name for path in (store / "parts").iterdir()} == named


def test_a_killed_take_in_shows_nothing_new(source: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(source, store)
    write_release(source, forms=(CHANGED,))
    left = iter([True, False] * 2)
    original = os.replace

    def dying(part: str, path: str) -> None:
        if not next(left):
            raise KeyboardInterrupt
        original(part, path)

    monkeypatch.setattr("capture.files.os.replace", dying)
    with pytest.raises(KeyboardInterrupt):
        take_in(source, store)
    assert taken(store).form("contact", "en") == CONTACT
    monkeypatch.undo()
    take_in(source, store)
    assert taken(store).form("contact", "en") == CHANGED


def test_no_release_answers_all_the_same() -> None:
    release = Release()
    assert release.form("contact", "en") is None
    assert release.say("en")("capture.thanks.title") == "capture.thanks.title"
    assert release.page_at("/x/") is None
    page = release.shell("en", "A & B", "<p>x</p>")
    assert "<title>A &amp; B</title>" in page
    assert "<main><p>x</p></main>" in page


def test_a_shell_is_filled_once() -> None:
    shell = Shell.cut("<title>%%TITLE%%</title><main>%%MAIN%%</main>")
    page = shell.filled("%%MAIN%%", "<p>%%TITLE%%</p>")
    assert page == "<title>%%MAIN%%</title><main><p>%%TITLE%%</p></main>"


def test_a_shell_on_another_host_names_the_site() -> None:
    shell = Shell.cut(
        '<title>%%TITLE%%</title><link href="/b/app.css"><script src="/app.js"></script><a href="#main">x</a>'
        '<a href="https://other.test/x">y</a><a href="//cdn.test/">z</a>'
        '<img src="/a.png" srcset="/a.png 1x, /b.png 2x">a, /b<main>%%MAIN%%</main>'
    )
    page = shell.filled("t", '<form action="/_ob/f/x">', "https://site.test")
    assert page == (
        '<title>t</title><link href="https://site.test/b/app.css"><script src="https://site.test/app.js"></script>'
        '<a href="#main">x</a><a href="https://other.test/x">y</a><a href="//cdn.test/">z</a>'
        '<img src="https://site.test/a.png" srcset="https://site.test/a.png 1x, https://site.test/b.png 2x">a, /b'
        '<main><form action="/_ob/f/x"></main>'
    )


def test_words_are_filled_once_and_counted() -> None:
    release = Release(words={"en": {"a": "{x} and {y}", "n.one": "one", "n.other": "{n} of them"}})
    say = release.say("en")
    assert say("a", x="{y}", y=2) == "{y} and 2"
    assert say("a", x=1) == "1 and {y}"
    assert [say("n", n=number) for number in (0, 1, 2)] == ["0 of them", "one", "2 of them"]


@pytest.mark.parametrize(
    ("url", "id"),
    [
        ("https://site.test/contact/", "contact.md"),
        ("/contact", "contact.md"),
        ("/contact/index.html?utm=1#top", "contact.md"),
        ("/talk/", "contact.md"),
        ("https://site.test/", "index.md"),
        ("https://site.test", None),
        ("/de/contact/", "contact.md#de"),
        ("/%63ontact/", "contact.md"),
        ("/nowhere/", None),
        ("", None),
        ("http://[", None),
    ],
)
def test_pages_are_found_by_address(source: Path, store: Path, url: str, id: str | None) -> None:
    take_in(source, store)
    page = taken(store).page_at(url)
    assert (page.id if page else None) == id


def test_pages_are_found_below_a_base_path(source: Path, store: Path) -> None:
    write_release(source, settings=replace(SETTINGS, url="https://site.test/blog", base_path="/blog"))
    take_in(source, store)
    page = taken(store).page_at("https://site.test/blog/contact/")
    assert page is not None
    assert page.id == "contact.md"


def test_a_pages_own_address_wins_over_an_alias(source: Path, store: Path) -> None:
    pages = (PageRow("a.md", "/a/", "A", aliases=("/b/",)), PageRow("b.md", "/b/", "B"))
    write_release(source, pages=pages)
    take_in(source, store)
    assert taken(store).page_at("/b/") == pages[1]


def test_newer_fields_of_a_release_are_left_out(source: Path, store: Path) -> None:
    for name in ("site.json", "pages.json"):
        plain = json.loads((source / name).read_text())
        for one in plain if isinstance(plain, list) else [plain]:
            one["invented_later"] = 1
        (source / name).write_text(json.dumps(plain))
    take_in(source, store)
    assert taken(store).settings == SETTINGS


def test_nothing_of_another_kind_is_taken_in(source: Path, store: Path) -> None:
    (source / "notes.txt").write_text("x")
    (source / ".site.json.tmp.json").write_text("{")
    take_in(source, store)
    parts = newest(store)
    assert parts is not None
    assert "notes.txt" not in parts.files
    assert ".site.json.tmp.json" not in parts.files


@given(st.text())
def test_any_address_is_looked_up(url: str) -> None:
    assert Release(pages={}, places={}).page_at(url) is None


def test_a_form_that_was_published_a_moment_ago_is_known_at_once(tmp_path: Path) -> None:
    clock = [100.0]
    source = write_release(tmp_path / "release")
    releases = Releases(tmp_path / "releases", source, lambda: clock[0])
    assert releases.current().form("fresh", "en") is None
    fresh = replace(CONTACT, name="fresh")
    (source / "forms" / "fresh.en.json").write_text(json.dumps(fresh.to_plain()), encoding="utf-8")
    clock[0] += 0.2
    assert releases.current().form("fresh", "en") is None, "the disk is asked at most once a second"
    assert releases.current("fresh", fresh.rules).form("fresh", "en", fresh.rules, fresh.words) == fresh


def test_who_sends_no_version_has_the_disk_asked_no_more_often_than_others(tmp_path: Path) -> None:
    """A form that is published is known, whoever sends it; twenty looks a second were a sixth of what posts cost."""
    clock = [100.0]
    source = write_release(tmp_path / "release")
    releases = Releases(tmp_path / "releases", source, lambda: clock[0])
    before = releases.current()
    for path in source.rglob("contact.*.json"):
        plain = replace(Form.from_plain(json.loads(path.read_text())), title="Another").to_plain()
        path.write_text(json.dumps(plain), encoding="utf-8")
    clock[0] += 0.2
    assert releases.current("contact", "") is before
    assert releases.current("contact", CONTACT.rules) is before
    clock[0] += 0.2
    assert releases.current("nothing", "") is not before, "what nobody knows may be new"
