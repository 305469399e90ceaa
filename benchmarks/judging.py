"""Judging: how many letters of customers are held, and how much advertising is let through.

    python -m benchmarks.judging [--wrong]

The letters in `benchmarks/letters/` were written for this, one a line, in some twenty languages: `ham.txt` as customers
write, `spam.txt` as those who sell. Every third line of each was kept out when the weights were tuned; the goals are
fewer than 0.5 % of customers held and fewer than 5 % of advertising let through, by the text alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.judge import judge
from capture.signs import Written

LETTERS = Path(__file__).parent / "letters"
LANGUAGES = ("en", "de", "fr", "es")


@dataclass(frozen=True, slots=True)
class Share:
    """How many letters there are, and those that were judged wrongly."""

    total: int
    wrong: tuple[str, ...]

    @property
    def percent(self) -> float:
        """The wrong ones of a hundred."""
        return 100 * len(self.wrong) / self.total


def letters(name: str, *, kept_out: bool) -> list[str]:
    """The letters of a kind: the third that was kept out of tuning, or the others."""
    every = (LETTERS / f"{name}.txt").read_text("utf-8").splitlines()
    return [one for number, one in enumerate(every) if (number % 3 == 2) == kept_out]


def false_holds(*, kept_out: bool) -> Share:
    """Customers who are held."""
    ham = letters("ham", kept_out=kept_out)
    return Share(len(ham), tuple(one for one in ham if _held(one)))


def let_through(*, kept_out: bool) -> Share:
    """Advertising that is not held."""
    spam = letters("spam", kept_out=kept_out)
    return Share(len(spam), tuple(one for one in spam if not _held(one)))


def _held(text: str) -> bool:
    return judge({}, Written((text,), languages=LANGUAGES)).held


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.judging")
    parser.add_argument("--wrong", action="store_true", help="show those that were tuned on and are judged wrongly")
    asked = parser.parse_args(arguments)
    for label, measure in (("customers held", false_holds), ("advertising let through", let_through)):
        for part, kept_out in (("tuned on", False), ("kept out", True)):
            share = measure(kept_out=kept_out)
            print(f"{label:24} {part}: {len(share.wrong):3} of {share.total:3} = {share.percent:5.2f} %")
            if asked.wrong and not kept_out:
                print(*(f"    {one}" for one in share.wrong), sep="\n")


if __name__ == "__main__":
    main()
