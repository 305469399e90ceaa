"""The ledger: no kind of question may go unrecorded, and what the file says is believed only when it is whole."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from obverse import ledger_file as ledgers
from obverse.keep import Keep
from obverse.ledger import Ledger, Outline
from obverse.questions import QUESTIONS
from obverse.view import View
from tests.engine.sites import SETTINGS, TinySite

Make = Callable[..., TinySite]

SMALL = {
    "content/about.md": "---\ntitle: About\n---\nWho we are.\n",
    "content/raw.txt": "as it is\n",
    "content/forms/contact.md": "---\ntitle: Talk\nfields: {name: {}}\n---\nThank you.\n",
    "content/dot.svg": '<svg width="3" height="4"></svg>\n',
    "content/authors/anna.md": "---\ntitle: Anna\n---\n",
    "content/services/one.md": "---\ntitle: One\n---\n",
    "content/articles/_index.md": "---\ntitle: Articles\ntemplate: shelf\n---\n",
    "content/articles/a.md": "---\ntitle: Alpha\ndate: 2026-01-01\ntags: [red]\n---\nFirst.\n",
    "content/articles/b.md": "---\ntitle: Beta\ndate: 2026-01-02\ntags: [red]\ntemplate: probe\n---\nFirst.\n",
    "content/probe.md": "---\ntitle: Probe\nupdated: 2026-03-14T13:00:00Z\ntemplate: probe\n---\nFirst.\n\nSecond.\n",
    # Nothing but what a probe asks is asked, so that no other question stands in for it.
    **{f"templates/{name}.html": "x" for name in ("page", "article", "list", "term", "terms", "author", "404")},
    "templates/shelf.html": '{% for one in list["items"] %}{{ one.title }}{% endfor %}',
    "templates/authors.html": '{% for one in list["items"] %}{{ one.title }}{% endfor %}',
}
FAILING = {
    "forms": '{{ view.form("contcts") }}',
    "assets": '{{ asset("dott.svg") }}',
    "templates": '{% include "parrt.html" %}',
}
LENIENT = '[checks]\nunknown-asset = "warning"\nunknown-template = "warning"\nunknown-form = "warning"\n'
BILINGUAL = SETTINGS.replace("[articles]", 'languages = ["de"]\n[articles]') + LENIENT
INKED = BILINGUAL + '[theme]\nink = "blue"\n'


@dataclass(frozen=True)
class Probe:
    """A template that asks one kind of question, and an edit that changes its answer and no other."""

    template: str
    edit: Callable[[TinySite], None]


def _replaced(path: str, old: str, new: str) -> Callable[[TinySite], None]:
    return lambda site: site.replace(f"content/{path}", old, new)


def _retitled(path: str) -> Callable[[TinySite], None]:
    return _replaced(path, "title: ", "title: New ")


def _written(path: str, text: str) -> Callable[[TinySite], None]:
    return lambda site: site.write(path, text) and None


def _later(**units: float) -> Callable[[TinySite], None]:
    return lambda site: site.later(**units)


def _without_articles(site: TinySite) -> None:
    for name in ("a", "b"):
        site.remove(f"content/articles/{name}.md")


_TITLES = "{{% for one in {} %}}{{{{ one.title }}}}{{% endfor %}}"
_PICTURED = "{% if page.path == 'probe.md' %}{{ page.body }}{% endif %}"

PROBES = {
    "age_in_days": Probe("{{ view.age_in_days(page.updated) if page.updated }}", _later(days=1)),
    "articles": Probe(_TITLES.format("view.articles()"), _retitled("articles/a.md")),
    "asset": Probe('{{ asset("app.css") }}', _written("templates/assets/app.css", "b {}")),
    # What fails in a component only warns here; where it fails in a page's own template there is no page.
    "assets": Probe(_PICTURED, _written("templates/assets/dotts.svg", "<svg/>")),
    "card": Probe("{{ page.title }}", _retitled("probe.md")),
    "catalogue": Probe('{{ t("hello") }}', _written("templates/words/en.toml", 'hello = "Hi"\n')),
    "closure": Probe("before", _written("templates/probe.html", "after")),
    "config": Probe("{{ site.theme.ink }}", _written("obverse.toml", INKED)),
    "data": Probe('{{ view.data("team") }}', _written("content/_data/team.toml", "a = 2\n")),
    "feeds": Probe("{{ head.feeds|length }}", _without_articles),
    "file": Probe("", _written("content/raw.txt", "another\n")),
    "form": Probe('{{ view.form("contact") }}', _replaced("forms/contact.md", "title: ", "title: New ")),
    "form_file": Probe("", _replaced("forms/contact.md", "Thank you", "Thanks")),
    "forms": Probe(_PICTURED, _written("content/forms/contacts.md", "---\ntitle: C\nfields: {a: {}}\n---\n")),
    "is_past": Probe("{{ view.is_past(page.updated) if page.updated }}", _later(hours=2)),
    "kind": Probe("", _retitled("authors/anna.md")),
    "link": Probe('{{ view.link("about.md") }}', _replaced("about.md", "title:", "slug: us\ntitle:")),
    "links": Probe(_PICTURED, _replaced("about.md", "title:", "slug: us\ntitle:")),
    "localised": Probe('{{ view.page("about.md").title }}', _retitled("about.md")),
    "menu": Probe('{% for one in view.menu("main") %}{{ one.label }}{% endfor %}', _retitled("about.md")),
    "near": Probe("{% set one = view.previous(page) %}{{ one.title if one }}", _retitled("articles/a.md")),
    "page": Probe(_PICTURED, _replaced("probe.md", "Second", "Third")),
    "page_table": Probe("", _replaced("articles/a.md", "tags: [red]", "tags: [blue]")),
    "pages": Probe(_TITLES.format('view.pages(section="services")'), _retitled("services/one.md")),
    "picture": Probe(_PICTURED, _written("content/dot.svg", '<svg width="5" height="6"></svg>\n')),
    "related": Probe(_TITLES.format("view.related(page)"), _retitled("articles/a.md")),
    "section": Probe("{{ page.section.title if page.section }}", _retitled("articles/_index.md")),
    "settings": Probe("{{ site.title }}", lambda site: site.replace("obverse.toml", "Tiny", "Small")),
    "shelf": Probe("", _retitled("articles/a.md")),
    "sitemap": Probe("", _replaced("about.md", "title:", "updated: 2026-02-02\ntitle:")),
    "templates": Probe(_PICTURED, _written("templates/parrts.html", "x")),
    "terms": Probe('{{ view.terms("tags")|map(attribute="count")|join }}', _replaced("articles/a.md", "tags:", "# ")),
    "today": Probe("{{ view.today }}", _later(days=1)),
    "translations": Probe(_TITLES.format("view.translations(page)"), _retitled("probe.de.md")),
    "words": Probe("", _written("templates/words/en.toml", '"capture.home" = "Home"\n')),
    "year": Probe("{{ view.year }}", _later(days=365)),
}  # fmt: skip


def _probed(site_dir: Make, kind: str) -> TinySite:
    """A site with the probe of a kind, built, and then edited."""
    assert kind in PROBES, f"no test proves that an output is made again when the answer to '{kind}' changes"
    more = {"templates/probe.html": PROBES[kind].template}
    settings = BILINGUAL
    if kind == "translations":
        more["content/probe.de.md"] = "---\ntitle: Probe\ntemplate: page\n---\n"
    if kind == "data":
        more["content/_data/team.toml"] = "a = 1\n"
    if kind in FAILING:
        more["templates/components/failing.html"] = FAILING[kind]
        more["content/probe.md"] = SMALL["content/probe.md"] + "\n{{ failing() }}\n"
    if kind == "links":
        more["content/probe.md"] = SMALL["content/probe.md"] + "\n[about](about.md)\n"
    if kind == "picture":
        more["content/probe.md"] = SMALL["content/probe.md"] + "\n![a dot](dot.svg)\n"
    site = site_dir({**SMALL, **more}, settings)
    site.good_build()
    PROBES[kind].edit(site)
    return site


@pytest.mark.parametrize("kind", sorted({*QUESTIONS, *PROBES}))
def test_every_kind_of_question_is_recorded(kind: str, site_dir: Make) -> None:
    site = _probed(site_dir, kind)
    site.assert_as_clean(site.good_build())


@pytest.mark.parametrize("kind", sorted(QUESTIONS))
def test_a_kind_of_question_that_went_unrecorded_would_be_seen(
    kind: str, site_dir: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = View.note

    def forgetful(view: View, asked: str, number: int) -> None:
        if asked != kind:
            note(view, asked, number)

    monkeypatch.setattr(View, "note", forgetful)
    site = _probed(site_dir, kind)
    report = site.good_build()
    with pytest.raises(AssertionError, match=r"differs|other problems|clean build|due"):
        site.assert_as_clean(report)


def test_a_probe_for_each_question_and_no_other() -> None:
    assert sorted(PROBES) == sorted(QUESTIONS)


@pytest.mark.parametrize("harm", ["cut", "flip early", "flip late", "empty", "foreign", "gone"])
def test_damaged_ledger_is_no_ledger(built: TinySite, harm: str) -> None:
    """The part that a build with nothing to do never reads is found to be damaged by the first one that has."""
    file = built.options().ledger_file
    data = file.read_bytes()
    damaged = {"cut": data[: len(data) // 2], "empty": b"", "foreign": b"x" * 500, "gone": None}
    damaged |= {"flip early": flipped(data, 200), "flip late": flipped(data, len(data) - 1)}
    kept = damaged[harm]
    file.unlink() if kept is None else file.write_bytes(kept)
    assert ledgers.load(file) == Ledger()
    assert (ledgers.outline(file) == Outline()) == (harm != "flip late")
    if harm == "flip late":
        assert built.good_build().written == ()
        built.write("content/extra.md", "---\ntitle: One more\n---\n")
    built.write("site/left-by-somebody/index.html", "a stale draft")
    report = built.good_build()
    assert len(report.written) == report.total
    built.assert_as_clean(report)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("suffix", [".ledger", ".since"])
def test_a_file_that_went_may_be_known_to_the_whole_part_of_a_damaged_ledger_alone(
    built: TinySite, suffix: str
) -> None:
    file = built.options().ledger_file.with_suffix(suffix)
    data = file.read_bytes()
    file.write_bytes(flipped(data, len(data) - 1))
    built.remove("content/articles/e.md")
    report = built.good_build()
    assert not (built.out / "articles/e/index.html").exists()
    built.assert_as_clean(report)


def test_ledger_survives_writing_and_reading(built: TinySite) -> None:
    ledger = ledgers.load(built.options().ledger_file)
    assert ledger.outputs
    target, data = ledgers.save(Ledger(), ledger, built.root / "copy.ledger")
    target.write_bytes(data)
    ledgers.settle(target)
    assert ledgers.load(target) == ledger
    assert ledgers.outline(target) == ledger.outline()


def test_a_small_edit_writes_what_changed_alone(built: TinySite) -> None:
    file = built.options().ledger_file
    base = file.read_bytes()
    for number in range(3):
        built.write("content/about.md", f"---\ntitle: About {number}\n---\nWho we are, take {number}.\n\n## Team\n")
        built.assert_as_clean(built.good_build())
        assert file.read_bytes() == base
        assert ledgers.outline(file) == ledgers.load(file).outline()
    built.write("content/raw.txt", "a new file")
    built.assert_as_clean(built.good_build())
    built.remove("content/raw.txt")
    built.assert_as_clean(built.good_build())
    assert file.read_bytes() == base
    assert file.with_suffix(ledgers.SINCE).exists()


def test_changes_beside_another_base_are_ignored(built: TinySite) -> None:
    file = built.options().ledger_file
    built.replace("content/about.md", "title: About", "title: Us")
    built.good_build()
    since = file.with_suffix(ledgers.SINCE)
    changes = since.read_bytes()
    file.unlink()
    report = built.good_build()
    assert len(report.written) == report.total
    assert since.read_bytes() != changes
    known = ledgers.load(file)
    since.write_bytes(changes)
    assert ledgers.load(file) == known
    since.write_bytes(changes[:-9])
    assert ledgers.load(file) == Ledger()


def test_a_base_whose_changes_were_deleted_is_not_all_that_is_known(built: TinySite) -> None:
    """What was published since would stay for ever: nobody would know that it is ours."""
    built.write("content/late.md", "---\ntitle: Late\n---\n")
    built.good_build()
    built.options().ledger_file.with_suffix(ledgers.SINCE).unlink()
    built.remove("content/late.md")
    built.assert_as_clean(built.good_build())
    assert not (built.out / "late").exists()


def test_questions_nobody_asks_any_more_are_let_go(built: TinySite) -> None:
    """More dead questions than live ones are numbered anew, and what follows is as clean as ever."""
    built.write("content/many.md", "---\ntitle: Many\n---\n" + "".join(f"![x](/dot.svg?{n})\n" for n in range(900)))
    built.good_build()
    many = len(ledgers.load(built.options().ledger_file).asked.keys)
    built.remove("content/many.md")
    built.assert_as_clean(built.good_build())
    few = len(ledgers.load(built.options().ledger_file).asked.keys)
    assert few < many - 800
    built.replace("content/about.md", "title: About", "title: Us")
    built.assert_as_clean(built.good_build())


def test_a_safe_text_may_name_a_page(site_dir: Make) -> None:
    """What `{% set %}…{% endset %}` makes is Markup, a kind of text that the ledger could not write."""
    text = "{% set path %}about.md{% endset %}{{ view.page(path).title }}"
    site = site_dir({**SMALL, "templates/probe.html": text})
    site.assert_as_clean(site.good_build())


def test_what_cannot_be_asked_for_is_a_problem(site_dir: Make) -> None:
    site = site_dir({**SMALL, "templates/probe.html": "{{ view.page(page) }}"})
    assert {one.code for one in site.build().problems} == {"template-error"}


class _Thing:
    """Something that a build is made of."""


@pytest.mark.parametrize("ends", [True, False])
def test_only_a_process_that_ends_holds_what_its_build_was_made_of(ends: bool) -> None:
    keep, thing = Keep(ends=ends), _Thing()
    seen = weakref.ref(thing)
    keep.hold(thing)
    del thing
    assert (seen() is not None) == ends
