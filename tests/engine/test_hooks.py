"""Hooks: value in, value out; whatever a site's own code does, the build says where and never falls over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from obverse import run
from obverse.hooks import NAMES, load_hooks
from obverse.jobs import KINDS
from obverse.problems import as_text
from tests.engine.sites import TinySite

Make = Callable[..., TinySite]

SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example"\n'
PAGE = {"content/a.md": "---\ntitle: A\n---\nText of a\n"}


def with_hooks(site_dir: Make, hooks: str) -> TinySite:
    return site_dir({**PAGE, "hooks.py": hooks}, SETTINGS)


def test_no_hooks_change_nothing(tmp_path: Path) -> None:
    hooks = load_hooks(tmp_path / "hooks.py")
    assert (hooks.functions, hooks.problems) == ({}, [])
    assert hooks.html("/", "<p>") == "<p>"
    assert hooks.markdown_extensions((1, 2)) == (1, 2)


WORKING = {
    "markdown_extensions": (
        (
            "from markdown import Extension\n"
            "from markdown.inlinepatterns import SubstituteTagInlineProcessor as Tag\n\n"
            "class Hr(Extension):\n    def extendMarkdown(self, md):\n"
            "        md.inlinePatterns.register(Tag('of', 'wbr'), 'of', 200)\n\n\n"
            "def markdown_extensions(extensions):\n    return [*extensions, Hr()]\n"
        ),
        "Text <wbr> a",
    ),
    "jinja": (
        (
            "def jinja(environment):\n    environment.globals['t'] = 1\n"
            "    environment.globals['hooked'] = 'yes'\n    return environment\n"
        ),
        "Text of a",
    ),
    "page": (
        (
            "import dataclasses\n\n\ndef page(page):\n"
            "    return dataclasses.replace(page, matter=dataclasses.replace(page.matter, title='Hooked'))\n"
        ),
        "<h1>Hooked</h1>",
    ),
    "jobs": ("def jobs(jobs):\n    return {k: j for k, j in jobs.items() if k != '404.html'}\n", "Text of a"),
    "html": ("def html(url, html):\n    return html + '<!-- ' + url + ' -->'\n", "<!-- /a/ -->"),
}


def test_every_hook_is_tried() -> None:
    assert set(WORKING) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_hook_changes_what_it_is_given(name: str, site_dir: Make) -> None:
    hooks, seen = WORKING[name]
    site = with_hooks(site_dir, hooks)
    site.good_build()
    assert seen in site.read("site/a/index.html")
    assert (site.out / "404.html").exists() == (name != "jobs")
    assert site.good_build().written == ()


def test_a_jinja_hook_gives_templates_new_words(site_dir: Make) -> None:
    site = with_hooks(site_dir, WORKING["jinja"][0])
    site.write("templates/page.html", "{{ hooked }}")
    site.good_build()
    assert site.read("site/a/index.html") == "yes"


@pytest.mark.parametrize(
    "hooks, message, line",
    [
        (
            "def html(url, html):\n    return 1\n",
            "html() must give back what it was given",
            0,
        ),
        ("def page(page):\n    return None\n", "page() must give back", 0),
        ("def jobs(jobs):\n    return list(jobs)\n", "jobs() must give back", 0),
        ("def jinja(environment):\n    pass\n", "jinja() must give back", 0),
        ("def markdown_extensions(extensions):\n    return None\n", "markdown_extensions() must give back", 0),
        ("def html(url):\n    return url\n", "html() failed: TypeError", 0),
        ("def html(url, html):\n\n    return html + 1\n", "html() failed: TypeError", 3),
        ("def page(page):\n    import sys\n    sys.exit(0)\n", "page() failed: SystemExit", 3),
        ("import nothing_of_that_name\n", "cannot be loaded: ModuleNotFoundError", 1),
        ("x = 1\ndef page(:\n", "cannot be loaded: SyntaxError", 2),
        ("raise SystemExit\n", "cannot be loaded: SystemExit", 1),
        ("def pages(page):\n    return page\n", "'pages' is not a hook", 0),
        ("def recurse(n):\n    return recurse(n)\n\n\nrecurse(1)\n", "cannot be loaded: RecursionError", 2),
    ],
)
def test_a_hook_that_fails_is_told_at_its_line(hooks: str, message: str, line: int, site_dir: Make) -> None:
    site = with_hooks(site_dir, hooks)
    report = site.build()
    assert report.blocked
    assert {(one.code, one.path, one.line) for one in report.problems} == {("hook", "hooks.py", line)}
    assert message in as_text(report.problems)
    assert not site.out.exists()


@pytest.mark.parametrize(
    "hooks",
    [
        (
            "import dataclasses\n\n\ndef page(page):\n"
            "    matter = dataclasses.replace(page.matter, extra={'x': object()})\n"
            "    return dataclasses.replace(page, matter=matter)\n"
        ),
        "def markdown_extensions(extensions):\n    return ['no.such.extension']\n",
        "def markdown_extensions(extensions):\n    return [42]\n",
        "def jobs(jobs):\n    return {'a': 1}\n",
        (
            "import dataclasses\n\n\ndef jobs(jobs):\n"
            "    job = jobs['404.html']\n    return {'x': dataclasses.replace(job, kind='nothing')}\n"
        ),
        (
            "import dataclasses\n\n\ndef jobs(jobs):\n"
            "    job = jobs['404.html']\n    return {'../x': dataclasses.replace(job, output='../x')}\n"
        ),
    ],
)
def test_a_hook_that_gives_back_nonsense_ends_in_a_problem(hooks: str, site_dir: Make) -> None:
    site = with_hooks(site_dir, hooks)
    report = site.build()
    assert report.blocked
    assert {one.code for one in report.problems} == {"hook"}
    assert not (site.root / "x").exists()


def test_a_helper_of_a_hook_is_no_hook(site_dir: Make) -> None:
    hooks = (
        "from __future__ import annotations\nimport dataclasses\n\n\n@dataclasses.dataclass\nclass Note:\n"
        "    text: str\n    kind: dataclasses.InitVar[int] = 1\n\n\n"
        "def _pages():\n    return Note('x')\n\n\ndef slugify(text):\n    return _pages().text\n\n\n"
        "def html(url, html):\n    return html + slugify(url)\n"
    )
    site = with_hooks(site_dir, hooks)
    assert site.good_build().problems == ()
    assert site.read("site/a/index.html").endswith("x")


def test_a_changed_hook_makes_everything_anew(site_dir: Make) -> None:
    site = with_hooks(site_dir, WORKING["html"][0])
    site.good_build()
    site.replace("hooks.py", "<!-- ", "<!-- at ")
    report = site.good_build()
    assert "<!-- at /a/ -->" in site.read("site/a/index.html")
    site.assert_as_clean(report)


def test_a_hook_may_make_jobs_of_every_kind_there_is() -> None:
    assert set(run._MAKERS) == KINDS
