"""What a writer checks on GitHub looks the same here: every construct, against GitHub's own engine."""

from __future__ import annotations

import pytest

from obverse.markup import MarkupOptions, render
from tests.engine.structure import cases, github, structure

CASES = cases("github.txt")


@pytest.mark.parametrize("text", [text for _, text in CASES], ids=[name for name, _ in CASES])
def test_construct_reads_as_on_github(text: str) -> None:
    assert structure(render(text, MarkupOptions())) == structure(github(text))


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 150
    assert len({name for name, _ in CASES}) == len(CASES)


def test_the_comparison_can_fail() -> None:
    assert structure("<ul><li>a</li></ul>") != structure("<ul><li><p>a</p></li></ul>")
    assert structure("<p>a <b>b</b></p>") != structure("<p>a<b>b</b></p>")
    assert structure("<pre>a\n b</pre>") != structure("<pre>a\nb</pre>")


# Two constructs side by side must not disturb each other.
@pytest.mark.parametrize("step", [1, 7, 31])
def test_constructs_in_a_row(step: int) -> None:
    for at in range(len(CASES) - step):
        first, second = CASES[at][1], CASES[at + step][1]
        if not first.rstrip().endswith(("c\n  ```", "b\n```", "f\n</script>")):
            text = f"{first}\n\n{second}"
            assert structure(render(text, MarkupOptions())) == structure(github(text)), text
