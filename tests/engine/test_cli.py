"""The command as a person or a script runs it: exit codes, what is printed where, and never a traceback."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from obverse import __version__, cli
from obverse.cli import COMMANDS, main, parser
from obverse.commands import Command
from tests.engine.sites import TinySite, stats, tree

Make = Callable[..., TinySite]
Read = pytest.CaptureFixture[str]

SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example/b"\n'
FILES = {
    "content/index.md": "---\ntitle: Home\n---\n",
    "content/about.md": "---\ntitle: About us\naliases: [/who/]\n---\n",
    "content/articles/one.md": "---\ntitle: Größe\ndate: 2026-01-01\n---\nText\n",
    "content/articles/plan.md": "---\ntitle: Plan\ndate: 2026-01-02\ndraft: true\n---\n",
    "content/articles/later.md": "---\ntitle: Later\ndate: 2999-01-01\n---\n",
    "content/articles/gone.md": "---\ntitle: Gone\ndate: 2020-01-01\nexpires: 2021-01-01\n---\n",
}
ERROR = "---\ntitle: A\n---\n[x](nowhere.md)\n"
WARNING = "---\ntitle: A\n---\n## Two\n\n#### Four\n"


@pytest.fixture
def site(site_dir: Make, monkeypatch: pytest.MonkeyPatch) -> TinySite:
    """A small site, and the test stands in its folder."""
    made = site_dir(FILES, SETTINGS)
    monkeypatch.chdir(made.root)
    monkeypatch.delenv("OBVERSE_SITE", raising=False)
    return made


def code_of(*words: str) -> int:
    """The exit code of a command line, also of one that argparse ends."""
    try:
        return main(words)
    except SystemExit as end:
        return int(end.code or 0)


def answer(capsys: Read) -> Any:
    """What was printed as JSON."""
    return json.loads(capsys.readouterr().out)


# Exit codes: 0 well, 1 problems, 2 a command line that makes no sense.


@pytest.mark.parametrize(
    "words",
    [
        ["build"],
        ["build", "--drafts", "--json", "--verify"],
        ["check"],
        ["check", "--strict"],
        ["list"],
        ["list", "--state", "draft", "--json"],
        ["new", "article", "A title"],
        ["--version"],
        ["--help"],
        *([command.name, "--help"] for command in COMMANDS),
    ],
)
def test_what_goes_well_ends_with_0(words: list[str], site: TinySite, capsys: Read) -> None:
    assert code_of(*words) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["build"], ["build", "--json"], ["check"], ["check", "--json"], ["check", "--sarif"]]
)
def test_errors_end_with_1(words: list[str], site: TinySite, capsys: Read) -> None:
    site.write("content/broken.md", ERROR)
    assert code_of(*words) == 1
    printed = capsys.readouterr()
    assert "nowhere.md" in printed.out + printed.err
    assert not site.out.exists()


@pytest.mark.parametrize("command", [["build"], ["check"], ["list"], ["why", "/"], ["new", "article", "T"]])
def test_no_site_ends_with_1(command: list[str], tmp_path: Path, capsys: Read) -> None:
    assert code_of(*command, "--root", str(tmp_path / "nowhere")) == 1
    printed = capsys.readouterr()
    if command != ["why", "/"]:
        assert "obverse error: there is no obverse.toml in" in printed.err + printed.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["biuld"],
        ["build", "--nonsense"],
        ["build", "extra"],
        ["build", "--base-url", "nonsense"],
        ["build", "--base-url", "ftp://t.example"],
        ["check", "--base-url", "https://"],
        ["check", "--json", "--sarif"],
        ["list", "--state", "lost"],
        ["new"],
        ["new", "site"],
        ["new", "thing"],
        ["why"],
        ["serve", "--port", "many"],
    ],
)
def test_a_command_line_without_sense_ends_with_2(words: list[str], site: TinySite, capsys: Read) -> None:
    before = tree(site.root)
    assert code_of(*words) == 2
    assert "usage: obverse" in capsys.readouterr().err
    assert tree(site.root) == before


# What is printed, and where.


def test_a_build_says_one_line(site: TinySite, capsys: Read) -> None:
    assert main(["build"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("site: built ")
    assert printed.out.count("\n") == 1
    before = stats(site.out)
    assert main(["build"]) == 0
    assert capsys.readouterr().out.startswith("site: nothing to do (")
    assert stats(site.out) == before


def test_a_blocked_build_tells_problems_and_that_nothing_changed(site: TinySite, capsys: Read) -> None:
    site.write("content/broken.md", ERROR + "\n#### Four\n\n## Two\n\n#### Four\n")
    assert main(["build"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("content/broken.md:4:5 error: 'nowhere.md' leads nowhere [broken-link]\n")
    assert printed.err.endswith("site is as it was\n")


def test_warnings_are_told_each_time_and_let_pass(site: TinySite, capsys: Read) -> None:
    site.write("content/warned.md", WARNING)
    for _ in range(2):
        assert main(["build"]) == 0
        assert "warning: a level-4 heading follows level 2" in capsys.readouterr().err


def test_a_build_as_json(site: TinySite, capsys: Read) -> None:
    assert main(["build", "--json"]) == 0
    report = answer(capsys)
    assert set(report) == {"problems", "written", "removed", "released", "total", "blocked", "next_due", "seconds"}
    assert report["total"] == len(report["written"]) == len([one for one in tree(site.out).values() if one is not None])
    # The theme's 404 page tells the day.
    assert datetime.now(UTC) < datetime.fromisoformat(report["next_due"]) <= datetime.now(UTC) + timedelta(days=1)
    assert (report["blocked"], report["problems"], report["removed"]) == (False, [], [])
    site.write("content/broken.md", ERROR)
    assert main(["build", "--json"]) == 1
    report = answer(capsys)
    assert report["blocked"]
    assert [one["code"] for one in report["problems"]] == ["broken-link"]


def test_check_writes_nothing_but_its_memory(site: TinySite, capsys: Read) -> None:
    site.write("content/warned.md", WARNING)
    before = {path for path in tree(site.root) if not path.startswith(".obverse")}
    assert main(["check"]) == 0
    assert capsys.readouterr().out.endswith("1 warning\n")
    assert main(["check", "--strict"]) == 1
    assert main(["check", "--strict", "--drafts"]) == 1
    capsys.readouterr()
    assert {path for path in tree(site.root) if not path.startswith(".obverse")} == before
    assert main(["check", "--json"]) == 0
    assert [row["code"] for row in answer(capsys)] == ["heading-jump"]
    assert main(["check", "--sarif"]) == 0
    assert answer(capsys)["runs"][0]["results"][0]["ruleId"] == "heading-jump"


def test_check_after_a_build_still_tells(site: TinySite, capsys: Read) -> None:
    site.write("content/warned.md", WARNING)
    assert main(["build"]) == 0
    capsys.readouterr()
    assert main(["check", "--strict"]) == 1
    assert "heading-jump" in capsys.readouterr().out


def test_list_shows_pages_by_state_newest_first(site: TinySite, capsys: Read) -> None:
    assert main(["list", "--json"]) == 0
    rows = answer(capsys)
    assert [(row["path"], row["state"]) for row in rows] == [
        ("articles/later.md", "scheduled"),
        ("articles/plan.md", "draft"),
        ("articles/one.md", "published"),
        ("articles/gone.md", "expired"),
        ("about.md", "published"),
        ("index.md", "published"),
    ]
    assert rows[2] == {
        "path": "articles/one.md",
        "state": "published",
        "kind": "article",
        "date": "2026-01-01T00:00+00:00",
        "title": "Größe",
        "url": "/b/articles/one/",
    }
    for state in ("published", "draft", "scheduled", "expired"):
        assert main(["list", "--json", "--state", state]) == 0
        assert {row["state"] for row in answer(capsys)} == {state}
    assert main(["list"]) == 0
    assert "published  2026-01-01  articles/one.md    Größe\n" in capsys.readouterr().out


def test_list_of_a_site_without_pages(site_dir: Make, capsys: Read) -> None:
    site = site_dir({}, SETTINGS)
    assert main(["list", "--root", str(site.root)]) == 0
    assert capsys.readouterr().out == "no pages\n"


@pytest.mark.parametrize(
    "url",
    [
        "/about/",
        "/about",
        "about/index.html",
        "/b/about/",
        "https://t.example/b/about/",
        "https://t.example/b/about/?x=1#y",
        "/b/who/",
    ],
)
def test_why_knows_an_output_by_every_name(url: str, site: TinySite, capsys: Read) -> None:
    assert main(["why", url]) == 1
    assert capsys.readouterr().out == "site has not been built yet\n"
    main(["build"])
    capsys.readouterr()
    assert main(["why", url]) == 0
    output = "who" if "who" in url else "about"
    assert capsys.readouterr().out == f"{output}/index.html is up to date; it was last written because it is new\n"


def test_why_says_what_the_next_build_would_do(site: TinySite, capsys: Read) -> None:
    main(["build"])
    site.replace("content/about.md", "About us", "About them")
    site.remove("content/articles/one.md")
    before = tree(site.out)
    capsys.readouterr()
    assert main(["why", "/about/"]) == 0
    assert capsys.readouterr().out.startswith("about/index.html would be written: the answer to ")
    assert main(["why", "/articles/one/"]) == 0
    assert capsys.readouterr().out.startswith("articles/one/index.html would be removed")
    assert main(["why", "/abuot/"]) == 1
    assert capsys.readouterr().out == "no output answers for /abuot/; did you mean '/about/'?\n"
    assert tree(site.out) == before
    site.write("content/broken.md", ERROR)
    assert main(["why", "/about/"]) == 1
    assert "nowhere.md" in capsys.readouterr().out


# Where the site is, and where it is written.


def test_a_command_works_in_any_folder_of_the_site(
    site: TinySite, monkeypatch: pytest.MonkeyPatch, capsys: Read
) -> None:
    monkeypatch.chdir(site.root / "content/articles")
    assert main(["build"]) == 0
    assert (site.out / "index.html").is_file()
    assert str(site.out) in capsys.readouterr().out


def test_the_environment_names_the_site_where_there_is_none(
    site: TinySite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Read
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["build"]) == 1
    monkeypatch.setenv("OBVERSE_SITE", str(site.root))
    assert main(["build"]) == 0
    assert (site.out / "index.html").is_file()


def test_the_folder_one_stands_in_comes_before_the_environment(
    site: TinySite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OBVERSE_SITE", str(tmp_path / "elsewhere"))
    assert main(["build"]) == 0


def test_another_folder_may_be_written_again_and_again(site: TinySite, tmp_path: Path, capsys: Read) -> None:
    out = tmp_path / "public"
    for said in ("built", "nothing to do"):
        assert main(["build", "--out", str(out)]) == 0
        assert said in capsys.readouterr().out
    assert (out / "index.html").is_file()
    assert not site.out.exists()


def test_a_folder_that_holds_something_else_is_left_alone(site: TinySite, tmp_path: Path, capsys: Read) -> None:
    out = tmp_path / "documents"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    assert main(["build", "--out", str(out)]) == 1
    assert "this folder holds something else [not-empty]" in capsys.readouterr().err
    assert tree(out) == {"letter.txt": b"dear"}


@pytest.mark.parametrize("out", [".", "..", "content", "content/public", "templates/public", "var", "obverse.toml"])
def test_the_site_is_never_written_into_itself(out: str, site: TinySite, capsys: Read) -> None:
    before = {path: data for path, data in tree(site.root).items() if not path.startswith(".obverse")}
    assert main(["build", "--out", out]) == 1
    assert {path: data for path, data in tree(site.root).items() if not path.startswith(".obverse")} == before


def test_another_address_is_built_for(site: TinySite) -> None:
    assert main(["build", "--base-url", "https://preview.example/x/"]) == 0
    assert 'href="/x/assets/' in site.read("site/about/index.html")
    assert "https://preview.example/x/about/" in site.read("site/about/index.html")
    assert "t.example" not in site.read("site/about/index.html").replace("preview.example", "")


# Odd surroundings.


@pytest.mark.parametrize("epoch", ["", "soon", "1.5", "99999999999999999999"])
@pytest.mark.parametrize("words", [["build"], ["check"], ["list"]])
def test_a_time_that_is_none(
    epoch: str, words: list[str], site: TinySite, monkeypatch: pytest.MonkeyPatch, capsys: Read
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert main(words) == 1
    printed = capsys.readouterr()
    assert "SOURCE_DATE_EPOCH" in printed.err + printed.out


@pytest.mark.parametrize(
    "settings", [b"\xff\xfe", b"[site", b"", b"[articles]\nsections = []\n", SETTINGS.encode() + b"\xff"]
)
@pytest.mark.parametrize("words", [["build"], ["check"], ["list"], ["why", "/"], ["new", "article", "T"]])
def test_settings_that_cannot_be_read(settings: bytes, words: list[str], site: TinySite, capsys: Read) -> None:
    site.write("obverse.toml", settings)
    assert code_of(*words) in {0, 1}
    capsys.readouterr()


@pytest.mark.parametrize("section", ["../..", "../../outside", "pages", "articles/../../x", "/etc", "."])
def test_an_article_is_written_into_a_dated_section_only(section: str, site: TinySite, capsys: Read) -> None:
    before = tree(site.root.parent)
    assert main(["new", "article", "Evil", "--section", section]) == 1
    assert "is not a dated section" in capsys.readouterr().err
    assert tree(site.root.parent) == before


@pytest.mark.parametrize("section", ["articles", "articles/", "articles/2026"])
def test_an_article_may_name_its_section(section: str, site: TinySite, capsys: Read) -> None:
    assert main(["new", "article", "Größe & Maß", "--section", section, "--author", "anna"]) == 0
    file = site.root / "content" / section / "größe-maß.md"
    assert capsys.readouterr().out == f"{file.relative_to(site.root)}\n"
    assert "draft: true\n" in file.read_text(encoding="utf-8")


def run(root: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with the bundled theme."""
    command = [sys.executable, "-m", "obverse", *words]
    repository = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": repository, **more.pop("environment", {})}
    return subprocess.run(command, cwd=root, env=environment, text=True, check=False, timeout=120, **more)


def test_a_new_site_builds_as_it_is(tmp_path: Path) -> None:
    made = run(tmp_path, "new", "site", "mine", "--title", 'A "new" site', capture_output=True)
    assert (made.returncode, made.stderr) == (0, "")
    built = run(tmp_path / "mine", "build", capture_output=True)
    assert (built.returncode, built.stderr) == (0, "")
    assert "A &#34;new&#34; site" in (tmp_path / "mine/site/index.html").read_text(encoding="utf-8")
    again = run(tmp_path, "new", "site", "mine", capture_output=True)
    assert again.returncode == 1
    assert "[not-empty]" in again.stderr


def test_the_version(tmp_path: Path) -> None:
    assert run(tmp_path, "--version", capture_output=True).stdout == f"obverse {__version__}\n"


def test_a_reader_that_goes_away_is_no_failure(site: TinySite) -> None:
    for number in range(300):
        site.write(f"content/p{number}.md", f"---\ntitle: {'x' * 300}\n---\n")
    command = [sys.executable, "-m", "obverse", "list"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    reading, writing = os.pipe()
    os.close(reading)
    for words in (command, [*command, "--state", "draft"]):
        done = subprocess.run(
            words, cwd=site.root, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False
        )
        assert done.stderr == b""
        assert done.returncode == 1
    os.close(writing)


def test_a_terminal_without_the_letters_shows_them_escaped(site: TinySite) -> None:
    done = run(site.root, "list", capture_output=True, environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gr\\xf6\\xdfe" in done.stdout


@pytest.mark.parametrize(
    "in_the_way, words",
    [
        (".obverse", ["build"]),
        (".obverse", ["check"]),
        (".obverse", ["list"]),
        ("site", ["build"]),
        ("content/articles", ["new", "article", "T"]),
    ],
)
def test_a_file_in_the_way_of_a_folder(in_the_way: str, words: list[str], site: TinySite, capsys: Read) -> None:
    if in_the_way == "content/articles":
        site.remove(in_the_way)
    site.write(in_the_way, "a file, not a folder")
    assert main(words) == 1
    printed = capsys.readouterr()
    assert "[disk]" in printed.err + printed.out
    assert site.read(in_the_way) == "a file, not a folder"


def test_serve_in_a_folder_without_a_site_waits_for_one(tmp_path: Path) -> None:
    beside = cli._capture_beside(tmp_path)("http://127.0.0.1:1")
    assert (beside.mounts, beside.scripts) == ((), ())
    assert list(tmp_path.iterdir()) == []


ENDING = """
import atexit, sys, threading
from obverse import cli
def say(text): sys.stdout.write(text + "\\n")  # in one piece, whoever else speaks
atexit.register(say, "called at the end")
waits = threading.Event()
if {threads}:
    threading.Thread(target=lambda: (waits.wait(), say("the thread has ended"))).start()
cli.main = lambda: (waits.set(), say("said"), 7)[-1]
cli.command()
"""


@pytest.mark.parametrize("threads", [False, True])
def test_a_process_that_ends_says_what_it_had_to_say_and_calls_who_asked(threads: bool) -> None:
    done = subprocess.run([sys.executable, "-c", ENDING.format(threads=threads)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (7, "")
    said = ["said", "the thread has ended", "called at the end"] if threads else ["said", "called at the end"]
    assert sorted(done.stdout.splitlines()) == sorted(said)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_the_command_line_of_one_command_is_that_of_all(command: Command) -> None:
    def of(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
        [commands] = [one for one in made._actions if isinstance(one, argparse._SubParsersAction)]
        found: argparse.ArgumentParser = commands.choices[command.name]
        return found

    assert of(parser(command.name)).format_help() == of(parser()).format_help()
    assert parser("no such command").format_help() == parser().format_help()
