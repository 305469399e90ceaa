"""The theme's files by themselves: contrast of its colors, weight, words, and that nothing in them dangles."""

from __future__ import annotations

import gzip
import math
import re
import tomllib
from pathlib import Path

import pytest

THEME = Path(__file__).resolve().parents[2] / "templates"
SHEET = (THEME / "assets" / "app.css").read_text("utf-8")
SCRIPT = (THEME / "assets" / "app.js").read_text("utf-8")
TEMPLATES = {path.relative_to(THEME).as_posix(): path.read_text("utf-8") for path in sorted(THEME.rglob("*.html"))}
WORDS = tomllib.loads((THEME / "words" / "en.toml").read_text("utf-8"))

COLOR = re.compile(r"--([\w-]+): oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)")


def _tokens(text: str) -> dict[str, tuple[float, float, float]]:
    """Linear sRGB by token name."""
    return {name: _linear(float(light) / 100, float(c), float(h)) for name, light, c, h in COLOR.findall(text)}


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """OKLCH -> linear sRGB, as CSS Color 4 defines it; outside 0 to 1 when a screen cannot show it."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _hex(color: tuple[float, float, float]) -> str:
    curved = (12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055 for x in color)
    return "#" + "".join(f"{round(255 * x):02x}" for x in curved)


def _luminance(color: tuple[float, float, float]) -> float:
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


_LIGHT_TEXT, _, _REST = SHEET.partition("@media (prefers-color-scheme: dark)")
LIGHT = _tokens(_LIGHT_TEXT)
DARK = _tokens(_REST.partition("@media (prefers-contrast")[0])
SCHEMES = pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])

WORDS_ON = [
    *((ink, ground) for ground in ("paper", "raised") for ink in ("ink", "ink-soft", "metal", "metal-deep", "value")),
    ("metal-ink", "metal"),
    ("metal-ink", "metal-deep"),
    ("ink", "value-wash"),
]


def test_the_sums_are_right() -> None:
    assert contrast(_linear(1, 0, 0), _linear(0, 0, 0)) == pytest.approx(21, abs=0.01)
    assert _hex(_linear(0.627955, 0.257683, 29.2339)) == "#ff0000"


def test_both_schemes_set_the_same_colors() -> None:
    assert set(LIGHT) == set(DARK)
    assert {one for pair in WORDS_ON for one in pair} <= set(LIGHT)


@SCHEMES
@pytest.mark.parametrize("ink, ground", WORDS_ON)
def test_words_stand_out(scheme: dict[str, tuple[float, float, float]], ink: str, ground: str) -> None:
    assert contrast(scheme[ink], scheme[ground]) >= 4.5


@SCHEMES
@pytest.mark.parametrize("ground", ["paper", "raised"])
def test_the_edges_of_what_one_can_use_stand_out(scheme: dict[str, tuple[float, float, float]], ground: str) -> None:
    assert contrast(scheme["edge"], scheme[ground]) >= 3


@SCHEMES
def test_every_screen_can_show_the_colors(scheme: dict[str, tuple[float, float, float]]) -> None:
    assert all(-0.0005 <= part <= 1.0005 for color in scheme.values() for part in color)


@pytest.mark.parametrize("scheme, name", [(LIGHT, "light"), (DARK, "dark")], ids=["light", "dark"])
def test_the_browser_s_frame_has_the_color_of_the_paper(
    scheme: dict[str, tuple[float, float, float]], name: str
) -> None:
    wanted = f'media="(prefers-color-scheme: {name})" content="{_hex(scheme["paper"])}"'
    assert wanted in TEMPLATES["base.html"]


def test_it_is_light() -> None:
    assert len(gzip.compress(SHEET.encode())) < 20_000
    assert len(gzip.compress(SCRIPT.encode())) < 6_000


def test_every_token_that_is_used_is_set() -> None:
    used = set(re.findall(r"var\(--([\w-]+)\)", SHEET))  # one with a fallback may be unset
    assert used <= set(re.findall(r"--([\w-]+):", SHEET))


def test_nothing_comes_from_elsewhere() -> None:
    for text in (SHEET, SCRIPT, *TEMPLATES.values()):
        without_names = text.replace("http://www.w3.org/", "").replace('a[href^="http"]', "")
        assert not re.search(r"https?://|@import|data:", without_names)


def test_nothing_is_inline() -> None:
    for name, text in TEMPLATES.items():
        assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", text), name
        assert all("src=" in tag or "ld+json" in tag for tag in re.findall(r"<script[^>]*>", text)), name


# t("key"), or say("key") in pieces that are given t; one of two keys: say("key" if so else "other").
SAYING = re.compile(r"""\b(?:t|say)\(["']([\w.]+)["'](?: if \w+ else ["']([\w.]+)["'])?""")


def _spoken() -> set[str]:
    texts = (*TEMPLATES.values(), *((THEME / name).read_text("utf-8") for name in ("atom.xml",)))
    return {key for text in texts for two in SAYING.findall(text) for key in two if key}


# Asked for by the engine: titles of pages that nobody wrote, dates, and what forms and the answers to them say.
BY_THE_ENGINE = re.compile(r"title\.|month\.|date$|form\.|capture\.")


def test_every_word_that_is_spoken_is_in_the_catalogue() -> None:
    missing = [key for key in _spoken() if key not in WORDS and f"{key}.other" not in WORDS and key != "month."]
    assert missing == []


def test_no_word_is_left_over() -> None:
    spoken = _spoken()
    left = [key for key in WORDS if re.sub(r"\.(one|other)$", "", key) not in spoken and not BY_THE_ENGINE.match(key)]
    assert left == []


def test_every_plural_has_both_forms() -> None:
    for key in WORDS:
        if key.endswith((".one", ".other")):
            stem = key.rpartition(".")[0]
            assert {f"{stem}.one", f"{stem}.other"} <= set(WORDS)


def test_classes_in_the_sheet_are_in_use() -> None:
    """A rule for nothing is weight and a riddle; these are the names that Markdown and the script write."""
    written = "".join(TEMPLATES.values()) + (THEME / "assets" / "edge.svg").read_text("utf-8") + SCRIPT
    written += "".join(
        (THEME.parent / name).read_text("utf-8")
        for name in (
            "obverse/forms/html.py",
            "capture/answers.py",
            "templates/assets/form.js",
            "templates/assets/uploads.js",
            "templates/assets/drafts.js",
        )
    )
    by_markdown = (
        "highlight filename hll linenos lineno err table left center right task-list-item keys footnote footnote-ref "
        "footnote-backref admonition admonition-title note tip important warning caution danger attention "
        "tabbed-set tabbed-labels tabbed-content tabbed-block wide"
    ).split()
    code = SHEET.partition(".highlight :is(.c,")[0] + SHEET.partition(".copy {")[2]
    rules = re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", code, flags=re.DOTALL)
    names = set(re.findall(r"\.([a-z][a-z-]+)", rules)) - {"contents-"}  # contents-2, contents-3
    unused = [name for name in names - set(by_markdown) if not re.search(rf"\b{name}\b", written)]
    assert unused == []
