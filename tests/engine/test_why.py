"""Why an output was written, in words that name the question whose answer changed."""

from __future__ import annotations

from obverse.why import why
from tests.engine.sites import TinySite


def _why(site: TinySite, url: str) -> tuple[str, int]:
    return why(site.options(), url)


def test_before_the_first_build(tiny: TinySite) -> None:
    assert _why(tiny, "/") == ("site has not been built yet", 1)


def test_up_to_date(tiny: TinySite) -> None:
    tiny.write("templates/404.html", "gone")
    tiny.good_build()
    text, code = _why(tiny, "/about/")
    assert code == 0
    assert text == "about/index.html is up to date; it was last written because it is new"


def test_what_the_next_build_would_write(built: TinySite) -> None:
    built.replace("content/about.md", "People.", "Persons.")
    text, code = _why(built, "https://tiny.example/about/?x=1#team")
    assert code == 0
    assert text == "about/index.html would be written: the answer to page('about.md') changed"
    assert b"People." in (built.out / "about/index.html").read_bytes()


def test_each_reason(built: TinySite) -> None:
    built.remove("site/about/index.html")
    assert built.good_build().because == {"about/index.html": "it was not there any more"}
    built.write("content/more.md", "More.\n")
    assert built.good_build().because["more/index.html"] == "it is new"
    built.replace("content/more.md", "More.", "---\ntemplate: own\n---\nMore.")
    built.write("templates/own.html", "own")
    assert built.good_build().because["more/index.html"] == "it is made from something else"
    built.write("hooks.py", "def page(page):\n    return page\n")
    assert "hooks.py changed" in built.good_build().because["index.html"]


def test_what_would_be_removed(built: TinySite) -> None:
    built.remove("content/services/two.md")
    assert _why(built, "/services/two/") == (
        "services/two/index.html would be removed: nothing asks for it any more",
        0,
    )


def test_an_address_nobody_knows(built: TinySite) -> None:
    text, code = _why(built, "/abuot/")
    assert code == 1
    assert text == "no output answers for /abuot/; did you mean '/about/'?"


def test_a_blocked_site(built: TinySite) -> None:
    built.write("content/about.md", "[x](no.md)\n")
    text, code = _why(built, "/about/")
    assert code == 1
    assert "content/about.md:1" in text
