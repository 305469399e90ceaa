"""Everything a person may do to a site between two builds, as functions of a site and a source of chance.

An edit looks at the folder as it is and does one thing to it, so any selection of edits in the same order is a history
that could have happened. That is what lets a failing history be cut down to the few edits that matter.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from random import Random

from tests.engine.sites import CONTENT, SETTINGS, THEME, TinySite

Edit = Callable[[TinySite, Random], None]

EDITS: dict[str, Edit] = {}


def edit(function: Edit) -> Edit:
    """Put a function among the edits, under its name."""
    EDITS[function.__name__] = function
    return function


# What edits are made of.

TITLES = ("Alpha", "Beta", "One <b> & 'two'", "Zeta", "épée", '"quoted"')
TERMS = ("red", "blue", "Red", "News", "Set", "green")
DAYS = ("2026-01-01", "2026-01-02", "2026-03-13", "2026-03-14T13:00:00Z", "2026-03-15", "2026-03-20", "2025-12-31")
NAMES = ("a", "b", "c", "d", "e", "f", "g-h", "über")
LINKS = (
    "about.md", "/about.md", "../about.md", "a.md", "b.md#two", "about.md#team", "#one", "../articles/a.md",
    "/tags/red/",
    "/old-gamma/", "f.md", "/services/", "d/pic.svg", "/articles/d/", "two.md", "no-such.md", "/about/", "index.md",
    "about", "https://other.example/", "/dot.svg", "/feed.xml", "../index.md", "about.de.md", "/page/1/",
)  # fmt: skip
PICTURES = ("/dot.svg", "pic.svg", "d/pic.svg", "../dot.svg", "/no.svg", "/img/share.png")
CALLS = (
    '{{ box("about.md") }}', '{{ box("no.md", label="Lost") }}', '{{ pic("/dot.svg") }}', '{{ box(to="b.md#two") }}',
    '{{ form("contact") }}', '{{ form("guide") }}', '{{ late("x") }}', "{{ box() }}", '{{ pic("/no.svg") }}',
)  # fmt: skip
BLOCKS = (
    "Plain words.",
    "Other words here.",
    "## One",
    "## Two",
    "## Three",
    "# Opening",
    "<b id='one'>x</b>",
    "`code`",
    "",
)


def _pages(site: TinySite) -> list[str]:
    return _under(site, "content", ".md")


def _under(site: TinySite, folder: str, suffix: str = "") -> list[str]:
    found = (file for file in (site.root / folder).rglob("*") if file.is_file() and file.name.endswith(suffix))
    return sorted(file.relative_to(site.root).as_posix() for file in found)


def _a_page(site: TinySite, chance: Random) -> str | None:
    pages = _pages(site)
    return chance.choice(pages) if pages else None


def _split(text: str) -> tuple[list[str], str]:
    if not text.startswith("---\n"):
        return [], text
    head, _, body = text[4:].partition("---\n")
    return head.splitlines(), body


def _set(site: TinySite, path: str, key: str, value: str | None) -> None:
    """Give a front matter key a value, or take it out."""
    lines, body = _split(site.read(path))
    lines = [line for line in lines if not line.startswith(f"{key}:")]
    if value is not None:
        lines.append(f"{key}: {value}")
    site.write(path, "---\n" + "".join(f"{line}\n" for line in lines) + "---\n" + body)


def _body(chance: Random) -> str:
    makers = (
        lambda: chance.choice(BLOCKS),
        lambda: f"A [link]({chance.choice(LINKS)}) in text.",
        lambda: f"![picture]({chance.choice(PICTURES)})",
        lambda: chance.choice(CALLS),
    )
    return "\n\n".join(chance.choice(makers)() for _ in range(chance.randint(0, 4))) + "\n"


# Pages.


@edit
def add_article(site: TinySite, chance: Random) -> None:
    """A new article: of chance, of the past, of the future."""
    lines = [f"title: {chance.choice(NAMES)}", f"date: {chance.choice(DAYS)}"]
    if chance.random() < 0.5:
        lines.append(f"tags: [{', '.join(chance.sample(TERMS, 2))}]")
    folder = chance.choice(("articles", "articles/deep", "articles"))
    text = "---\n" + "\n".join(lines) + "\n---\n" + _body(chance)
    site.write(f"content/{folder}/{chance.choice(NAMES)}.md", text)


@edit
def add_page(site: TinySite, chance: Random) -> None:
    place = chance.choice(("services/", "", "team/", "authors/", "articles/"))
    name = chance.choice((*NAMES, "_index", "about.de", "index", "404", "index.de"))
    site.write(f"content/{place}{name}.md", f"---\ntitle: {chance.choice(NAMES)}\n---\n{_body(chance)}")


@edit
def delete_page(site: TinySite, chance: Random) -> None:
    if path := _a_page(site, chance):
        site.remove(path)


@edit
def bring_back(site: TinySite, chance: Random) -> None:
    path = chance.choice(sorted(CONTENT))
    if not (site.root / path).is_dir() and not _file_above(site, path):
        site.write(path, CONTENT[path])


def _file_above(site: TinySite, path: str) -> bool:
    parts = path.split("/")
    return any((site.root / "/".join(parts[:count])).is_file() for count in range(1, len(parts)))


@edit
def rename_page(site: TinySite, chance: Random) -> None:
    path = _a_page(site, chance)
    target = f"content/{chance.choice(('articles/', 'services/', ''))}{chance.choice(NAMES)}.md"
    if path and not (site.root / target).exists():
        site.move(path, target)


@edit
def turn_into_bundle(site: TinySite, chance: Random) -> None:
    path = _a_page(site, chance)
    if path and not path.endswith(("index.md", ".de.md")) and not (site.root / path[:-3]).exists():
        site.move(path, path[:-3] + "/index.md")


@edit
def edit_body(site: TinySite, chance: Random) -> None:
    if path := _a_page(site, chance):
        lines, _ = _split(site.read(path))
        site.write(path, "---\n" + "".join(f"{line}\n" for line in lines) + "---\n" + _body(chance))


@edit
def append_words(site: TinySite, chance: Random) -> None:
    if path := _a_page(site, chance):
        site.write(path, site.read(path) + f"\nMore {chance.choice(TITLES)} words.\n")


@edit
def shift_lines(site: TinySite, chance: Random) -> None:
    """A comment in the front matter moves every line below it, and so the place of every problem."""
    if path := _a_page(site, chance):
        site.write(path, site.read(path).replace("---\n", "---\n# a comment\n", 1))


@edit
def touch(site: TinySite, chance: Random) -> None:
    if path := _a_page(site, chance):
        os.utime(site.root / path)


@edit
def change_matter(site: TinySite, chance: Random) -> None:
    """Any key of front matter gets another value, or loses its own."""
    path = _a_page(site, chance)
    if path is None:
        return
    key, values = chance.choice(sorted(MATTER.items()))
    _set(site, path, key, chance.choice((*values, None)))


MATTER: dict[str, tuple[str, ...]] = {
    "title": tuple(f"'{title.replace(chr(39), chr(39) * 2)}'" for title in TITLES),
    "description": ("'Said short'", "'Said & otherwise'"),
    "date": DAYS,
    "updated": DAYS,
    "expires": ("2026-03-14T12:30:00Z", "2026-03-16", "2027-01-01", "2026-03-14"),
    "draft": ("true", "false"),
    "authors": ("[anna]", "[anna, ben]", "[nobody]", "[a]"),
    "tags": ("[red]", "[red, blue]", "[Red]", "[green]"),
    "category": ("News", "news", "Other"),
    "series": ("Set", "Other"),
    "image": ("/dot.svg", "pic.svg", "/no.svg"),
    "image_alt": ("A dot",),
    "form": ("contact", "guide", "none"),
    "cta": ("pricing",),
    "slug": ("alpha", "other"),
    "url": (
        "/about/",
        "/moved/",
        "/deep/er/",
        "/plain.html",
        "/About/",
        "/articles/",
        "/tags/red/",
        "/404.html",
        "/plain.html/x/",
    ),
    "aliases": ("[/old/]", "[/old/, /older/]", "[/about/]", "[/old-gamma/]", "[/x/y/]"),
    "template": ("data", "page", "own", "home"),
    "type": ("page", "article", "no-such"),
    "weight": ("1", "2", "-3"),
    "toc": ("true", "false"),
    "noindex": ("true",),
    "canonical": ("https://other.example/x/",),
    "extra": ("{note: hi}", "{aged: true}", "{note: 1, aged: true}"),
}


@edit
def move_address(site: TinySite, chance: Random) -> None:
    if path := _a_page(site, chance):
        others = ("/team/", "/Team/", "/articles/a/", "/services/")
        _set(site, path, "url", chance.choice((*MATTER["url"], None, *others)))


@edit
def put_file_at_address(site: TinySite, chance: Random) -> None:
    """Where a page is, or was."""
    name = chance.choice(
        (
            "about/index.html", "articles/a/index.html", "team/x.html", "moved/index.html", "old/index.html",
            "articles/e", "deep/er", "404.html", "feed.xml",
        )
    )  # fmt: skip
    path = f"content/{name}"
    if not (site.root / path).is_dir() and not _file_above(site, path):
        site.write(path, f"<p>{chance.randint(1, 3)}</p>\n")


# Files beside pages.


@edit
def put_file(site: TinySite, chance: Random) -> None:
    name = chance.choice(
        ("dot.svg", "articles/d/pic.svg", "articles/a", "data", "img/share.png", "services/x.txt", "a~")
    )
    path = f"content/{name}"
    if (site.root / path).is_dir() or _file_above(site, path):
        return
    site.write(path, f'<svg width="{chance.randint(1, 3)}" height="4"></svg>{chance.choice(("", " "))}\n')


@edit
def delete_file(site: TinySite, chance: Random) -> None:
    files = [path for path in _under(site, "content") if not path.endswith((".md", ".toml"))]
    if files:
        site.remove(chance.choice(files))


@edit
def move_bundle(site: TinySite, chance: Random) -> None:
    folders = sorted(file.parent for file in (site.root / "content").rglob("index.md"))
    bundles = [folder for folder in folders if folder != site.root / "content"]
    target = site.root / "content" / chance.choice(("articles", "services", "")) / chance.choice(NAMES)
    if bundles and not target.exists():
        bundle = chance.choice(bundles)
        if bundle not in target.parents:
            target.parent.mkdir(parents=True, exist_ok=True)
            bundle.rename(target)


@edit
def delete_folder(site: TinySite, chance: Random) -> None:
    folders = sorted(file for file in (site.root / "content").rglob("*") if file.is_dir())
    if folders and chance.random() < 0.3:
        shutil.rmtree(chance.choice(folders))


@edit
def change_data(site: TinySite, chance: Random) -> None:
    path = chance.choice(("team.toml", "team.json", "team.csv", "other.toml"))
    text = chance.choice(('names = ["Anna"]\n', 'names = ["Ben"]\n', '"text"', "[1, 2]\n"))
    site.write(f"content/_data/{path}", text)


@edit
def rename_data(site: TinySite, chance: Random) -> None:
    """The same bytes under another suffix are other data."""
    files = _under(site, "content/_data")
    target = f"content/_data/team{chance.choice(('.json', '.yaml', '.csv', '.toml'))}"
    if files and not (site.root / target).exists():
        site.move(chance.choice(files), target)


# Templates.


def _template(site: TinySite, name: str) -> str:
    own = site.root / "templates" / name
    return own.read_text(encoding="utf-8") if own.is_file() else THEME.get(name, "")


TEMPLATES = tuple(sorted(name for name in THEME if not name.startswith(("assets/", "words/"))))


@edit
def override_template(site: TinySite, chance: Random) -> None:
    name = chance.choice(TEMPLATES)
    text = _template(site, name)
    # Behind a declaration, and inside the last block where there is one.
    place = text.rfind("{% endblock %}") if "{% endblock %}" in text else len(text)
    site.write(f"templates/{name}", f"{text[:place]}edit {chance.randint(1, 3)}\n{text[place:]}")


@edit
def copy_template(site: TinySite, chance: Random) -> None:
    name = chance.choice(TEMPLATES)
    site.write(f"templates/{name}", THEME[name])


@edit
def extend_template(site: TinySite, chance: Random) -> None:
    name = chance.choice(("page.html", "article.html", "home.html", "list.html"))
    text = '{% extends "theme/' + name + '" %}{% block main %}own {{ super() }}{% endblock %}\n'
    site.write(f"templates/{name}", text)


INCLUDES = (
    '{% include "part.html" ignore missing %}',
    '{% include ["part.html", "date.html"] %}',
    '{% set name = "part.html" %}{% include name ignore missing %}',
    '{% include page.extra.note|default("x", true)|string ~ ".html" ignore missing %}',
    '{% include "assets/" ~ "dot.svg" %}',
    '{% include "theme/" ~ "date.html" %}',
    '{% from "macros.html" import card %}{{ card(page) }}',
    '{{ asset("dot.svg") }}',
    '{{ asset("late.css") }}',
    '{{ t("late") }}',
    "{{ view.today }}",
    "{{ view.is_past(page.date) if page.date }}",
    '{{ view.link("/late/") }}',
    '{{ view.link("about.md#team") }}',
    '{{ view.data("other") }}',
    '{% for one in view.menu("foot") %}{{ one.label }}{{ one.url }}{% endfor %}',
    '{% for one in view.articles(tag="blue", limit=1) %}{{ one.body }}{{ one.title }}{% endfor %}',
    "{% set path %}about.md{% endset %}{{ view.page(path).title if view.page(path) }}",
    "{{ page.toc|length }} {{ page.canonical }} {{ site.theme.size }}",
    "{{ view.body(view.articles(limit=1)[0]._card) if view.articles(limit=1) }}",
)


@edit
def write_own_template(site: TinySite, chance: Random) -> None:
    """The template "own", and what it reaches in every way Jinja has."""
    site.write("templates/own.html", f"own {chance.choice(INCLUDES)}\n{chance.choice(INCLUDES)} {{{{ page.title }}}}\n")


@edit
def include_in_page(site: TinySite, chance: Random) -> None:
    text = '{% extends "base.html" %}{% block main %}' + chance.choice(INCLUDES) + "{{ page.body }}{% endblock %}\n"
    site.write(f"templates/{chance.choice(('page.html', 'article.html', 'home.html'))}", text)


@edit
def write_part(site: TinySite, chance: Random) -> None:
    text = chance.choice(("part one\n", "part {{ page.title }}\n", '{% include "date.html" %}\n', "{{ site.title }}\n"))
    site.write(f"templates/{chance.choice(('part.html', 'hi.html', 'x.html'))}", text)


@edit
def drop_template(site: TinySite, chance: Random) -> None:
    if files := _under(site, "templates"):
        site.remove(chance.choice(files))


@edit
def break_template(site: TinySite, chance: Random) -> None:
    text = chance.choice(
        ("{% if %}", "{{ nothing.at_all }}", '{% include "none.html" %}', "{{ 1 / 0 }}", '{{ t("x.y") }}')
    )
    site.write(f"templates/{chance.choice(TEMPLATES)}", text)


@edit
def write_component(site: TinySite, chance: Random) -> None:
    declared = '{#\nto = {type = "text"}\n#}\n' if chance.random() < 0.8 else "{# to = #}"
    shown = chance.choice(("{{ args.to }}", "{{ page.title }}", "{{ view.today }}", '{{ asset("dot.svg") }}'))
    site.write(f"templates/components/{chance.choice(('late', 'box'))}.html", f"{declared}<p>{shown}</p>\n")


@edit
def change_words(site: TinySite, chance: Random) -> None:
    lang = chance.choice(("en", "de"))
    text = chance.choice(
        ('hello = "Hi"\n', 'hello = "Hallo"\nlate = "Late"\n', '"n.one" = "{n} only"\n', "", "late = 3\n")
    )
    site.write(f"templates/words/{lang}.toml", text)


@edit
def change_asset(site: TinySite, chance: Random) -> None:
    """Style sheets naming pictures, each other, themselves, and what is not there."""
    name = chance.choice(("app.css", "dot.svg", "more/extra.css", "late.css", "dot.svg"))
    sheets = ('a { background: url("dot.svg") }', "@import url(late.css);", "@import url(more/extra.css);", "b {}")
    sheets += ("@import url(app.css);", "c { background: url(../dot.svg) }", "d { background: url(none.svg) }")
    text = chance.choice(sheets) if name.endswith(".css") else f'<svg viewBox="0 0 {chance.randint(1, 3)} 1"></svg>\n'
    site.write(f"templates/assets/{name}", text)


# Forms.

FORMS = (
    "---\ntitle: Talk\nfields:\n  name: {}\n---\nThank you, {name}.\n",
    "---\ntitle: Speak\nnotify: [a@t.example]\nfields:\n  name: {label: You}\n  mail: {type: email}\n---\nThanks.\n",
    "---\ntitle: Ask\nfields:\n  news: {type: consent, text: Yes}\n---\n[About](../about.md) ![dot](/dot.svg)\n",
    '---\ntitle: Ask\nfields:\n  name: {}\n---\n{{ box("about.md") }} {nobody} [x](/{name}/)\n',
    "---\nfields: 3\n---\n",
    "No form.\n",
)
VARIANTS = ("---\ntitle: Reden\nfields:\n  name: {label: Sie}\n---\nDanke, {name}.\n", "---\nsubmit: Los\n---\n")


@edit
def write_form(site: TinySite, chance: Random) -> None:
    name = chance.choice(("contact", "contact", "guide"))
    variant = chance.random() < 0.3
    path = f"content/forms/{name}{'.de' if variant else ''}.md"
    site.write(path, chance.choice(VARIANTS if variant else FORMS))


@edit
def delete_form(site: TinySite, chance: Random) -> None:
    forms = _under(site, "content/forms")
    if forms:
        site.remove(chance.choice(forms))


# Settings, hooks, moves, time.

SETTING_LINES = {
    "title": ('title = "Tiny"', 'title = "Small & fine"', 'title = "Tiny"\ntagline = "x"'),
    "tagline": ('tagline = "Small"', ""),
    "description": ('description = "A tiny site"', 'description = "Another"'),
    "url": ('url = "https://tiny.example"', 'url = "https://tiny.example/base"', 'url = "https://other.example"'),
    "author": ('author = "Anna"', 'author = "Ben"'),
    "per_page": ("per_page = 1", "per_page = 2", "per_page = 3", "per_page = 9"),
    "feed_items": ("feed_items = 1", "feed_items = 3", "feed_items = 20"),
    "main": (
        'main = [{page = "about.md"}, {url = "/tags/", label = "Tags"}]',
        'main = [{page = "about.md", label = "Us"}]',
        'main = [{page = "late.md"}, {url = "/about/", label = "x"}, {url = "about.md", label = "y"}]',
        "main = []",
        'foot = [{page = "index.md"}]',
    ),
}

LANGUAGES = ("", 'languages = ["de"]\n', 'language = "de"\n', 'language = "de"\nlanguages = ["en"]\n')
ZONES = ("", 'timezone = "Europe/Berlin"\n', 'timezone = "America/New_York"\n')
MORE_TABLES = (
    "",
    '[taxonomies]\ntags = "topics"\n',
    "[theme]\ncolour = 1\nsize = [1, 2]\n",
    '[theme]\ncolour = "red"\n',
    '[capture]\norigin = "https://forms.example"\nnotify = ["a@t.example"]\n',
)
SECTIONS = ("", 'sections = ["articles", "services"]\n', 'sections = ["services"]\n')

# These would block; as warnings they let a site be built whose problems then have to be the same too.
LENIENT = (
    "broken-link", "broken-anchor", "broken-image", "unknown-author", "unknown-page", "missing-date", "unknown-type",
    "unknown-template", "url-collision", "term-name", "unknown-asset", "unknown-data", "unknown-word", "missing-key",
    "form", "form-slot", "unknown-form",
    "component-arguments", "data", "words", "template-undefined", "component-signature", "duplicate-id",
)  # fmt: skip
CHECKS = "[checks]\n" + "".join(f'{code} = "warning"\n' for code in LENIENT)
LENIENT_SETTINGS = SETTINGS + CHECKS


@edit
def change_settings(site: TinySite, chance: Random) -> None:
    """One line of the settings becomes another one."""
    key = chance.choice(sorted(SETTING_LINES))
    lines = site.read("obverse.toml").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"{key} =")]
    table = {"per_page": "[articles]\n", "feed_items": "[articles]\n", "main": "[menus]\n"}.get(key, "[site]\n")
    new = chance.choice(SETTING_LINES[key])
    if table in kept and not (key == "main" and new.startswith("foot") and any(one.startswith("foot") for one in kept)):
        kept.insert(kept.index(table) + 1, f"{new}\n")
    site.write("obverse.toml", "".join(kept))


@edit
def rewrite_settings(site: TinySite, chance: Random) -> None:
    """Other languages, zone, sections, taxonomies: what everything stands on."""
    text = SETTINGS.replace("[articles]\n", f"{chance.choice(LANGUAGES)}{chance.choice(ZONES)}[articles]\n")
    text = text.replace("per_page", f"{chance.choice(SECTIONS)}per_page")
    checks = CHECKS if chance.random() < 0.8 else "".join(CHECKS.splitlines(keepends=True)[: chance.randint(1, 20)])
    site.write("obverse.toml", text + chance.choice(MORE_TABLES) + checks)


HOOKS = (
    "def page(page):\n    return page\n",
    "def html(url, html):\n    return html + url\n",
    """\
import dataclasses
def page(page):
    return dataclasses.replace(page, matter=dataclasses.replace(page.matter, title=page.matter.title + "!"))
""",
    """\
def jinja(environment):
    environment.add_extension("jinja2.ext.do")
    environment.trim_blocks = False
    return environment
""",
    "def jobs(jobs):\n    return {path: job for path, job in jobs.items() if not path.startswith('tags/')}\n",
)


@edit
def change_hooks(site: TinySite, chance: Random) -> None:
    text = chance.choice((*HOOKS, None, None))
    if text is not None:
        site.write("hooks.py", text)
    elif (site.root / "hooks.py").exists():
        site.remove("hooks.py")


@edit
def write_moves(site: TinySite, chance: Random) -> None:
    pages = f'[pages]\n"{chance.choice(NAMES)}.md" = "{chance.choice(("about.md", "articles/a.md", "gone.md"))}"\n'
    urls = f'[urls]\n"/{chance.choice(NAMES)}/" = "{chance.choice(("about.md", "articles/b.md", "gone.md"))}"\n'
    ids = f'[ids]\n"{chance.choice(NAMES)}.md" = "{chance.choice(("about.md", "gone.md", "gone.md~2"))}"\n'
    site.write("content/_moves.toml", chance.choice((pages, urls, pages + urls, pages + ids, "")))


@edit
def pass_time(site: TinySite, chance: Random) -> None:
    site.later(hours=chance.choice((0.5, 1, 12, 24, 36, 24 * 7, 24 * 365)))


@edit
def turn_clock_back(site: TinySite, chance: Random) -> None:
    site.later(hours=-chance.choice((0.5, 24, 24 * 30)))


# Harm to what the builds left behind.


@edit
def delete_output(site: TinySite, chance: Random) -> None:
    if files := _under(site, "site"):
        site.remove(chance.choice(files))


@edit
def change_output(site: TinySite, chance: Random) -> None:
    if files := _under(site, "site"):
        path = chance.choice(files)
        site.write(path, (site.root / path).read_bytes() + b" ")


@edit
def delete_memory(site: TinySite, chance: Random) -> None:
    for path in _under(site, ".obverse"):
        if not path.startswith(".obverse/preview/") and chance.random() < 0.5:
            site.remove(path)


@edit
def delete_everything_built(site: TinySite, chance: Random) -> None:
    folder = chance.choice(("site", ".obverse"))
    shutil.rmtree(site.root / folder, ignore_errors=True)


@edit
def damage_memory(site: TinySite, chance: Random) -> None:
    files = [path for path in _under(site, ".obverse") if path.endswith((".ledger", ".since", ".db", ".db-wal"))]
    if files:
        path = chance.choice(files)
        data = bytearray((site.root / path).read_bytes())
        for _ in range(chance.randint(1, 20)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        site.write(path, bytes(data[: len(data) // chance.choice((1, 1, 2))]))
