"""The palette, from the style sheet itself: OKLCH -> sRGB -> WCAG contrast, in both schemes."""

import re
from itertools import product
from math import cos, radians, sin
from pathlib import Path

import pytest

SHEET = Path(__file__).resolve().parents[2] / "templates" / "assets" / "app.css"

TEXT = [
    *product(("ink", "ink-soft", "metal", "metal-deep", "value"), ("paper", "raised")),
    ("ink", "value-wash"),
    ("metal-ink", "metal"),
    ("metal-ink", "metal-deep"),
]
# Lines that tell where a control is, and the rules that mark focus, remarks and quotes. `line` only parts what is
# parted by space already: see docs/decisions/browser-checks.md.
LINES = [*product(("edge", "metal", "value"), ("paper", "raised"))]

TOKEN = re.compile(r"--([a-z-]+):\s*oklch\(([\d.]+)%\s+([\d.]+)\s+([\d.]+)\)")


def luminance(lightness: float, chroma: float, hue: float) -> float:
    """WCAG relative luminance, 0 to 1, of an OKLCH colour clipped into sRGB (Ottosson's matrices)."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    red, green, blue = (min(max(part, 0.0), 1.0) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def palette(css: str) -> dict[str, float]:
    """Token -> luminance of every OKLCH token in a piece of CSS."""
    return {
        name: luminance(float(light) / 100, float(chroma), float(hue))
        for name, light, chroma, hue in TOKEN.findall(css)
    }


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.fixture(scope="module")
def schemes() -> dict[str, dict[str, float]]:
    """The tokens of both schemes; dark ones stand in their own media block and replace the light ones."""
    sheet = SHEET.read_text(encoding="utf-8")
    light, dark = sheet.split("@media (prefers-color-scheme: dark)", 1)
    night = dark.split("@media", 1)[0]
    return {"light": palette(light), "dark": palette(light) | palette(night)}


def test_luminance_agrees_with_known_colours() -> None:
    assert luminance(1, 0, 0) == pytest.approx(1, abs=1e-4)
    assert luminance(0, 0, 0) == 0
    assert luminance(0.6279554, 0.2576833, 29.23388) == pytest.approx(0.2126, abs=1e-3)  # sRGB red
    assert contrast(luminance(1, 0, 0), luminance(0.5998, 0, 0)) == pytest.approx(3.95, abs=0.02)  # #808080


def test_both_schemes_have_every_token(schemes: dict[str, dict[str, float]]) -> None:
    wanted = {name for pair in (*TEXT, *LINES) for name in pair}
    assert wanted <= schemes["light"].keys()
    assert all(schemes["dark"][name] != schemes["light"][name] for name in wanted)


@pytest.mark.parametrize("least, pairs", [(4.5, TEXT), (3.0, LINES)], ids=["text", "lines"])
def test_pairs_are_told_apart(schemes: dict[str, dict[str, float]], least: float, pairs: list[tuple[str, str]]) -> None:
    weak = {
        f"{scheme}: {one} on {other}": round(contrast(tokens[one], tokens[other]), 2)
        for scheme, tokens in schemes.items()
        for one, other in pairs
        if contrast(tokens[one], tokens[other]) < least
    }
    assert weak == {}
