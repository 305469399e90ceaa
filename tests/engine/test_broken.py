"""Broken sites and what they are told, byte for byte: one file in tests/broken/ for each way to break one.

A file lists the site's files and then what a build prints. "(escaped)" in a name says that the file, or its name, is
written with the escapes of a Python bytes literal. To renew what is printed: `OBVERSE_GOLDEN=write pytest
tests/engine/test_broken.py`, then read the difference.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from obverse.build import BuildOptions, build
from obverse.problems import ALWAYS, CODES, Level, as_text, errors
from tests.engine.sites import TinySite, tree

BROKEN = Path(__file__).resolve().parents[1] / "broken"
CASES = sorted(path.stem for path in BROKEN.glob("*.txt"))
SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example"\n'
ESCAPED = " (escaped)"

# Codes that no file of a site can cause: the module and the test that cover them.
ELSEWHERE = {
    "no-site": "tests.engine.test_broken:test_a_folder_without_settings_is_no_site",
    "disk": "tests.engine.test_broken:test_something_in_the_way_of_the_output",
    "worker": "tests.engine.test_crew",
    "verify": "tests.engine.test_broken:test_an_impure_hook_is_found_by_verify",
    "exists": "tests.front_door.test_new",
    "not-empty": "tests.front_door.test_new",
    "port-taken": "tests.engine.test_serve",
    "serve-address": "tests.engine.test_serve_parts",
    "builder-crashed": "tests.engine.test_serve",
    "audit-broken": "tests.capture.test_audit_told",
    "run-address": "tests.capture.test_run_process",
    "run-database": "tests.capture.test_run_process",
    "run-release": "tests.capture.test_run_parts",
    "run-setting": "tests.capture.test_run_process",
    "backup": "tests.capture.test_backup",
    "in-use": "tests.capture.test_backup",
    "no-house": "tests.capture.test_backup",
    "restore-unfinished": "tests.capture.test_backup",
    "secrets-open": "tests.capture.test_secrets",
    "unknown-inquiry": "tests.capture.test_terminal",
    "unknown-user": "tests.capture.test_terminal",
}

TOLD = re.compile(r"^\S.* (?:error|warning): .* \[([a-z0-9-]+)\]$", re.MULTILINE)

Make = Callable[..., TinySite]


def read_case(name: str) -> tuple[dict[str, str], str]:
    """The files of a case by path, and what is told about them."""
    text = (BROKEN / f"{name}.txt").read_text(encoding="utf-8")
    parts = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)[1:]
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    return files, files.pop("told")


def unescaped(text: str) -> bytes:
    """Text with the escapes of a Python literal as bytes: \\xNN is a byte, \\uNNNN a character."""
    plain = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), plain.encode())


def put(site: TinySite, files: dict[str, str]) -> None:
    for path, text in files.items():
        folder, _, name = path.partition(ESCAPED)
        if name:  # the name itself is escaped
            target = os.fsencode(site.root / folder) + unescaped(name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as stream:
                stream.write(text.encode())
        else:
            site.write(folder, unescaped(text) if path.endswith(ESCAPED) else text)


@pytest.mark.parametrize("name", CASES)
def test_a_broken_site_is_told_exactly_so(name: str, site_dir: Make) -> None:
    files, told = read_case(name)
    site = site_dir({}, SETTINGS)
    put(site, files)
    report = site.build()
    printed = as_text(report.problems) + "\n"
    if os.environ.get("OBVERSE_GOLDEN") == "write":
        case = BROKEN / f"{name}.txt"
        case.write_text(case.read_text(encoding="utf-8").split("=== told\n")[0] + "=== told\n" + printed, "utf-8")
    else:
        assert printed == told
    assert report.blocked == bool(errors(report.problems))
    assert site.out.exists() != report.blocked


@pytest.mark.parametrize("name", CASES)
def test_a_broken_site_is_told_the_same_by_a_second_build(name: str, site_dir: Make) -> None:
    """Warnings come again from the ledger, errors from the sources."""
    site = site_dir({}, SETTINGS)
    put(site, read_case(name)[0])
    first = site.build()
    assert site.build().problems == first.problems


def test_every_code_has_its_case_and_every_case_its_code() -> None:
    told = {code for name in CASES for code in TOLD.findall(read_case(name)[1])}
    assert told | set(ELSEWHERE) == set(CODES)
    assert not told & set(ELSEWHERE)
    named = [name for name in CASES if not any(name == code or name.startswith(f"{code}-") for code in CODES)]
    assert named == []
    for name in CASES:
        code = max((one for one in CODES if name == one or name.startswith(f"{one}-")), key=len)
        assert f"[{code}]" in read_case(name)[1], name


@pytest.mark.parametrize("code", sorted(ELSEWHERE))
def test_what_is_covered_elsewhere_is_covered_there(code: str) -> None:
    name, _, test = ELSEWHERE[code].partition(":")
    module = importlib.import_module(name)
    source = inspect.getsource(getattr(module, test) if test else module)
    assert f'"{code}"' in source or f"[{code}]" in source


@pytest.mark.parametrize("name", CASES)
def test_every_problem_says_what_to_do_and_where(name: str) -> None:
    """A file is named wherever there is one, with a line wherever something on a line is wrong."""
    for line in read_case(name)[1].splitlines():
        if re.match(r"\S.* (error|warning): ", line):
            assert re.match(r"[^:]+\.\w+(:\d+(:\d+)?)? (error|warning): \S.* \[[a-z0-9-]+\]$", line), line
            assert not line.split(": ", 1)[1].rstrip().endswith(". "), line


def test_a_folder_without_settings_is_no_site(tmp_path: Path) -> None:
    report = build(BuildOptions(tmp_path))
    assert as_text(report.problems) == (
        f"obverse error: there is no obverse.toml in {tmp_path} [no-site]\n"
        "  hint: go to a site's folder, or make one with: obverse new site DIR"
    )
    assert report.blocked
    assert list(tmp_path.iterdir()) == []


def test_something_in_the_way_of_the_output(site_dir: Make) -> None:
    site = site_dir({"content/a.md": "Text\n"}, SETTINGS)
    site.write("site", "a file, not a folder\n")
    report = site.build()
    assert report.blocked
    assert [(one.code, one.path) for one in report.problems] == [("disk", "site/assets")]
    assert as_text(report.problems) == (
        "site/assets error: cannot be written: not a directory [disk]\n"
        "  hint: free the way and build again: it goes on from here"
    )
    assert site.read("site") == "a file, not a folder\n"


def test_an_impure_hook_is_found_by_verify(site_dir: Make) -> None:
    hook = "import time\n\n\ndef html(url, html):\n    return html + str(time.time_ns())\n"
    site = site_dir({"content/a.md": "Text\n", "hooks.py": hook}, SETTINGS)
    report = site.build(verify=True)
    assert as_text(report.problems[:1]) == (
        "site/404.html error: a clean build makes other bytes [verify]\n"
        "  hint: please report this; `obverse build` after deleting .obverse/ mends it"
    )
    assert {one.code for one in report.problems} == {"verify"}


# What the problems of one build have to do with each other, and with drafts.


def test_a_draft_that_is_never_closed_blocks_and_the_site_is_as_it_was(site_dir: Make) -> None:
    site = site_dir({"content/a.md": "---\ntitle: A\n---\nText\n"}, SETTINGS)
    site.good_build()
    before = tree(site.out)
    site.replace("content/a.md", "Text", "Changed")
    site.write("content/articles/plan.md", "---\ntitle: Plan\ndraft: true\n\nSECRET\n")
    report = site.build()
    assert report.blocked
    assert as_text(report.problems) == (
        "content/articles/plan.md:1:1 error: the front matter that opens here is never closed by --- [front-matter]\n"
        "  1 | ---\n"
        "    | ^\n"
        "  hint: put --- on a line of its own after the last key; for a horizontal rule write ***"
    )
    assert tree(site.out) == before


@pytest.mark.parametrize("code", sorted(ALWAYS & {"front-matter", "unreadable"}))
@pytest.mark.parametrize("level", ["warning", "off"])
def test_no_setting_publishes_a_page_that_cannot_be_read(code: str, level: str, site_dir: Make) -> None:
    site = site_dir({}, SETTINGS + f'[checks]\n{code} = "{level}"\n')
    put(site, read_case(code)[0])
    assert site.build().blocked


def test_all_problems_of_one_run_come_together(site_dir: Make) -> None:
    names = ["broken-link", "bad-value", "asset-circle", "unknown-author", "words", "menu-link", "hook"]
    site = site_dir({}, SETTINGS)
    for number, name in enumerate(names):
        for path, text in read_case(name)[0].items():
            site.write(path.replace("content/a.md", f"content/a{number}.md"), text)
    assert {one.code for one in site.build().problems} >= set(names)


DRAFT = "---\ntitle: A\ndraft: true\ndescripton: x\n---\n[x](nowhere.md) <p style='a'>x</p>\n\n![](nothing.svg)\n"


def test_a_draft_only_warns(site_dir: Make) -> None:
    site = site_dir({"content/a.md": DRAFT}, SETTINGS)
    hidden, shown = site.good_build(), site.good_build(drafts=True)
    assert {one.code for one in hidden.problems} == {"unknown-key", "inline-style", "missing-alt"}
    assert {one.code for one in shown.problems} > {one.code for one in hidden.problems}
    assert {one.level for one in (*hidden.problems, *shown.problems)} == {Level.WARNING}


def test_a_draft_only_warns_whatever_the_checks_say(site_dir: Make) -> None:
    checks = '[checks]\nmissing-alt = "error"\nunknown-key = "error"\nbroken-image = "error"\ninline-style = "off"\n'
    site = site_dir({"content/a.md": DRAFT}, SETTINGS + checks)
    for drafts in (False, True):
        report = site.good_build(drafts=drafts)
        assert {"missing-alt", "unknown-key"} <= {one.code for one in report.problems}
        assert "inline-style" not in {one.code for one in report.problems}
        assert site.build(drafts=drafts).problems == report.problems
    site.replace("content/a.md", "draft: true\n", "")
    assert {one.code for one in errors(site.build().problems)} >= {"missing-alt", "unknown-key"}


def test_a_check_may_be_lowered_raised_and_turned_off(site_dir: Make) -> None:
    text = "---\ntitle: A\n---\n[x](nowhere.md)\n\n## Two\n\n#### Four\n"
    site = site_dir({"content/a.md": text}, SETTINGS + '[checks]\nbroken-link = "warning"\nheading-jump = "error"\n')
    found = {one.code: one.level for one in site.build().problems}
    assert found == {"broken-link": Level.WARNING, "heading-jump": Level.ERROR}
    site.write("obverse.toml", SETTINGS + '[checks]\nbroken-link = "off"\nheading-jump = "off"\n')
    assert site.good_build().problems == ()


def test_a_secret_is_told_and_never_printed(site_dir: Make) -> None:
    files, told = read_case("secret")
    assert "hunter2" in files["obverse.toml"]
    assert "obverse.toml:5:1" in told
    assert "hunter2" not in told


def test_no_setting_lets_an_output_pass_that_could_not_be_made(site_dir: Callable[..., TinySite]) -> None:
    """With its level lowered, a failed template would else publish a page without a byte."""
    settings = SETTINGS + '\n[checks]\ntemplate-undefined = "off"\n'
    site = site_dir({"content/a.md": "---\ntitle: A\n---\nText.\n", "templates/page.html": "{{ nobody }}\n"}, settings)
    report = site.build()
    assert report.blocked
    assert [one.code for one in report.problems] == ["template-undefined"]
