"""Settings: the text of obverse.toml in, a Config and located problems out."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse.config import CONFIG_FIELDS, Articles, Config, MenuItem, Serve, Site, Taxonomies, load
from obverse.problems import ALWAYS, CODES, Level, as_text
from obverse.schema import Field

SMALL = '[site]\ntitle = "Small"\n'
FULL = """
[site]
title = "Full"
description = "All of it."
tagline = "Everything"
url = "https://example.com/blog/"
language = "de"
languages = ["en", "pt-BR"]
timezone = "Europe/Berlin"
author = "Jo"

[articles]
sections = ["news", "notes/deep"]
per_page = 5
feed_items = 7

[menus]
main = [{page = "about.md"}, {url = "https://example.org/", label = "Elsewhere"}]
footer = [{url = "/feed.xml", label = "Feed"}]

[markdown]
engine = "markdown"

[taxonomies]
tags = "themen"

[checks]
unknown-key = "warning"

[theme]
accent = "blue"
ratio = 1.5
links = [{to = "a"}]

[serve]
port = 9000
host = "0.0.0.0"
"""


def config(text: str) -> Config:
    found, problems = load(text)
    assert not problems, as_text(problems)
    return found


def told(text: str) -> list[str]:
    _, problems = load(text)
    return [f"{one.line}:{one.column} {one.code}: {one.message}" for one in problems]


def test_a_title_is_enough() -> None:
    assert config(SMALL) == Config(site=Site(title="Small"))


def test_every_setting_is_read() -> None:
    assert config(FULL) == Config(
        site=Site(
            title="Full",
            description="All of it.",
            tagline="Everything",
            url="https://example.com/blog",
            language="de",
            languages=("en", "pt-BR"),
            timezone="Europe/Berlin",
            author="Jo",
        ),
        articles=Articles(("news", "notes/deep"), 5, 7),
        menus={
            "main": (MenuItem("", "about.md", "", 18), MenuItem("Elsewhere", "", "https://example.org/", 18)),
            "footer": (MenuItem("Feed", "", "/feed.xml", 19),),
        },
        taxonomies=Taxonomies(tags="themen"),
        checks={"unknown-key": Level.WARNING},
        theme={"accent": "blue", "ratio": 1.5, "links": [{"to": "a"}]},
        serve=Serve(9000, "0.0.0.0"),
    )


def test_the_settings_of_this_site_are_well() -> None:
    root = Path(__file__).parents[2]
    assert config((root / "obverse.toml").read_text(encoding="utf-8")).site.title


def test_a_config_goes_to_another_process_and_back() -> None:
    assert pickle.loads(pickle.dumps(config(FULL))) == config(FULL)


@pytest.mark.parametrize(
    "url,base", [("https://example.com", ""), ("https://example.com/", ""), ("http://h:8000/a/b/", "/a/b")]
)
def test_the_base_path_is_the_path_of_the_address(url: str, base: str) -> None:
    found = config(f'{SMALL}url = "{url}"')
    assert found.base_path == base
    assert not found.site.url.endswith("/")


def test_the_address_can_be_another() -> None:
    found = config(FULL).with_base_url("http://127.0.0.1:8000/")
    assert (found.site.url, found.base_path, found.site.title) == ("http://127.0.0.1:8000", "", "Full")
    with pytest.raises(ValueError, match="must be a web address that begins with https:// or http://, not 'x.com'"):
        config(FULL).with_base_url("x.com")


@pytest.mark.parametrize(
    "url,message",
    [
        ("example.com", "must be a web address that begins with https:// or http://"),
        ("ftp://example.com", "must be a web address that begins with https:// or http://"),
        ("https://exa mple.com", "must be a web address that begins with https:// or http://"),
        ("https://example.com:port", "must be a web address that begins with https:// or http://"),
        ("https://example.com/?a=1", "must end with the host or a path"),
        ("https://example.com/#a", "must end with the host or a path"),
        ("https://me:pw@example.com", "must not hold a user name"),
        ("https://example.com/a/../b", "must not hold '..' or '//' in its path"),
        ("https://example.com//a", "must not hold '..' or '//' in its path"),
    ],
)
def test_an_address_is_absolute_and_plain(url: str, message: str) -> None:
    assert told(f'{SMALL}url = "{url}"') == [f"3:7 bad-value: 'url' {message}, not '{url}'"]


@pytest.mark.parametrize(
    "lines,expected",
    [
        (
            'timezone = "Europe/Berln"',
            (
                "3:12 bad-value: 'timezone' must be a time zone such as Europe/Berlin "
                "(did you mean 'Europe/Berlin'?), not 'Europe/Berln'"
            ),
        ),
        (
            'timezone = "../../etc/passwd"',
            "3:12 bad-value: 'timezone' must be a time zone such as Europe/Berlin, not '../../etc/passwd'",
        ),
        (
            'language = "english please"',
            "3:12 bad-value: 'language' must match the pattern [A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*, not 'english please'",
        ),
        ('titel = "x"', "3:1 unknown-key: unknown key 'titel' in [site]; did you mean 'title'?"),
        ("[artikles]", "3:1 unknown-key: unknown key 'artikles'; did you mean 'articles'?"),
        ("[articles]\nper_page = 0", "4:12 bad-value: 'per_page' must be 1 or more, not '0'"),
        ("[articles]\nper_page = 2.5", "4:12 bad-value: 'per_page' must be a whole number, not '2.5'"),
        (
            '[articles]\nsections = ["ok", "../up"]',
            "4:19 bad-value: 'sections' must be the name of a folder, not '../up'",
        ),
        ('[taxonomies]\ntags = "a b"', "4:8 bad-value: 'tags' must be the name of a folder, not 'a b'"),
        (
            '[markdown]\nengine = "markdwon"',
            "4:10 bad-value: 'engine' must be 'markdown' or 'commonmark', not 'markdwon'",
        ),
        ("[serve]\nport = 70000", "4:8 bad-value: 'port' must be 65535 or less, not '70000'"),
        ('[serve]\nhost = "a b"', "4:8 bad-value: 'host' must match the pattern [A-Za-z0-9.:_-]+, not 'a b'"),
        (
            '[checks]\nunknown-kee = "off"',
            "4:1 unknown-key: unknown check 'unknown-kee' in [checks]; did you mean 'unknown-key'?",
        ),
        ('[checks]\nunknown-key = "of"', "4:15 bad-value: 'unknown-key' must be 'error', 'warning' or 'off', not 'of'"),
        ('[menus]\nmain = [{page = "a.md", url = "/b/"}]', "4:9 bad-value: 'main' must name either a page or a url"),
        ('[menus]\nmain = [{label = "x"}]', "4:9 bad-value: 'main' must name either a page or a url"),
        ('[menus]\nmain = [{url = "/b/"}]', "4:9 bad-value: 'main' must have a label, since it names a url"),
        (
            '[menus]\nmain = [{url = "javascript:x", label = "x"}]',
            "4:9 bad-value: 'main' must name a url that begins with /, https:// or mailto:",
        ),
        (
            '[menus]\nmain = [\n  {page = "a.md", lable = "x"},\n]',
            "5:19 unknown-key: unknown key 'lable' in [main]; did you mean 'label'?",
        ),
        ('[menus]\nmain = "a.md"', "4:8 bad-value: 'main' must be a table of keys and values, not 'a.md'"),
        ('theme = "dark"', "3:1 unknown-key: unknown key 'theme' in [site]"),
    ],
)
def test_a_mistake_is_told_at_its_place(lines: str, expected: str) -> None:
    assert told(SMALL + lines) == [expected]


def test_only_the_wrong_items_of_a_menu_are_left_out() -> None:
    found, problems = load(SMALL + '[menus]\nmain = [{label = "x"}, {page = "a.md"}]\nfooter = [{label = "x"}]')
    assert len(problems) == 2
    assert found.menus == {"main": (MenuItem("", "a.md", "", 4),), "footer": ()}


@pytest.mark.parametrize("name", ["Europe", "localtime/x", "\\u0000", "x" * 300])
def test_a_name_that_confuses_the_zone_files_is_no_zone(name: str) -> None:
    found, (problem,) = load(f'{SMALL}timezone = "{name}"')
    assert (problem.code, problem.line, found.site.timezone) == ("bad-value", 3, "UTC")


def test_no_title_is_told_at_the_table() -> None:
    assert told("\n[site]\ntagline = 'x'") == ["2:1 missing-key: 'title' in [site] is required"]
    assert told("") == ["1:1 missing-key: 'site' is required"]


def test_what_is_wrong_has_its_default_and_the_rest_is_read() -> None:
    found, problems = load(SMALL + "[articles]\nper_page = 'x'\nfeed_items = 3")
    assert len(problems) == 1
    assert (found.site.title, found.articles.per_page, found.articles.feed_items) == ("Small", 10, 3)


def test_broken_toml_is_one_problem_with_its_place() -> None:
    found, (problem,) = load("[site]\ntitle = Small\n")
    assert found == Config()
    assert as_text((problem,)) == (
        "obverse.toml:2:9 error: not valid TOML: invalid value [config-syntax]\n"
        "  2 | title = Small\n"
        "    |         ^\n"
        "  hint: put text in quotes; write true and false in small letters"
    )


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(ends: str) -> None:
    assert config("\ufeff" + SMALL.replace("\n", ends)) == config(SMALL)
    assert told("\ufeff" + f"{SMALL}titel = 1".replace("\n", ends))[0].startswith("3:1 ")


@pytest.mark.parametrize(
    "lines,line,key,name",
    [
        ('smtp_password = "x"', 3, "smtp_password", "SMTP_PASSWORD"),
        ("[smtp]\nhost = 'x'", 3, "smtp", "SMTP"),
        ('[theme]\napi_key = "x"', 4, "api_key", "API_KEY"),
        ('[theme]\nlist = [{accessToken = "x"}]', 4, "accessToken", "ACCESSTOKEN"),
        ('[theme]\ndatabase-url = "x"', 4, "database-url", "DATABASE_URL"),
    ],
)
def test_a_secret_is_told_and_neither_kept_nor_shown(lines: str, line: int, key: str, name: str) -> None:
    found, (problem,) = load(SMALL + lines)
    assert (problem.code, problem.line, problem.excerpt) == ("secret", line, "")
    assert problem.message == f"'{key}' looks like a secret; settings are public"
    assert problem.hint == f"set OBVERSE_{name} in the environment or write it into var/secrets.toml"
    assert key not in str(found)


@pytest.mark.parametrize(
    "key", ["design_tokens", "passwordless", "secretary", "keyboard", "public_key_colour", "database"]
)
def test_a_key_that_only_sounds_like_a_secret_is_kept(key: str) -> None:
    assert config(f"{SMALL}[theme]\n{key} = 1").theme == {key: 1}


@pytest.mark.parametrize("code", sorted(ALWAYS))
def test_what_could_publish_a_draft_or_tell_a_secret_always_blocks(code: str) -> None:
    assert code in CODES
    found, (problem,) = load(f'{SMALL}[checks]\n{code} = "off"')
    assert (problem.message, problem.line, found.checks) == (f"'{code}' is always an error", 4, {})


def test_every_other_code_can_be_set() -> None:
    codes = sorted(set(CODES) - ALWAYS)
    lines = "".join(f'{code} = "off"\n' for code in codes)
    assert config(f"{SMALL}[checks]\n{lines}").checks == dict.fromkeys(codes, Level.OFF)


def test_every_key_has_a_sentence_of_help() -> None:
    def helped(name: str, one: Field) -> None:
        assert one.help.endswith("."), name
        for key, inner in (one.fields or {}).items():
            helped(f"{name}.{key}", inner)

    for name, one in CONFIG_FIELDS.items():
        helped(name, one)


def test_the_defaults_are_those_of_the_types() -> None:
    values, problems = load(SMALL + "[articles]\n[taxonomies]\n[serve]\n[markdown]\n")
    assert (values, problems) == (Config(site=Site(title="Small")), ())


def test_a_time_zone_of_the_config_is_one() -> None:
    assert ZoneInfo(config(FULL).site.timezone).key == "Europe/Berlin"


@given(st.text() | st.from_regex(r"\[(site|menus|checks|theme)\]\n(title|main|[a-z]{1,5}) = .{0,20}", fullmatch=True))
def test_no_text_makes_it_raise(text: str) -> None:
    load(text)


def test_only_the_standard_library_is_imported() -> None:
    code = (
        "import sys; before = set(sys.modules); import obverse.config, obverse.schema, obverse.problems;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names) - {'obverse'}))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    "address", ["https://hooks.slack.com/services/T0/B0/hidden", "https://discord.com/api/webhooks/1/hidden/slack"]
)
def test_the_address_of_a_chat_is_a_secret(address: str) -> None:
    found, (problem,) = load(SMALL + f'[capture]\nchat = "{address}"')
    assert (problem.code, problem.line, problem.excerpt) == ("secret", 4, "")
    assert problem.hint == "set OBVERSE_CHAT in the environment or write it into var/secrets.toml"
    assert "hidden" not in str(found) + str(problem)


def test_a_chat_is_named_and_not_addressed() -> None:
    assert load(SMALL + '[capture]\nchat = "Sales"')[0].capture.chat == "Sales"
    (wrong,) = load(SMALL + '[capture]\nchat = "https://chat.test/room"')[1]
    assert "must be what you call the chat" in wrong.message
