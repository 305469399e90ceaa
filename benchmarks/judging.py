"""Judging: how many letters of customers are held, and how much advertising is let through.

    python -m benchmarks.judging [--wrong] [--alike] [--cost]

The letters in `benchmarks/letters/` stand one a line, in some twenty-five languages: `ham.txt` as customers write,
`spam.txt` as those who sell. What is in `tuned/` may be looked at and learned from; `kept/` was written before the
wording's table was first made and is only measured; `others/` is what real people asked a bank and hotels (see the
notice there). The goals are fewer than 0.5 % of customers held and fewer than 5 % of advertising let through, by the
text alone. Behind each share is what it lies under with 95 % certainty (Wilson, one-sided), if the letters were like
those that come.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from capture.judge import judge
from capture.signs import Written

LETTERS = Path(__file__).parent / "letters"
LANGUAGES = ("en", "de", "fr", "es")
_CERTAIN = 1.645  # standard deviations, for 95 % on one side


@dataclass(frozen=True, slots=True)
class Share:
    """How many letters there are, and those that were judged wrongly."""

    total: int
    wrong: tuple[str, ...]

    @property
    def percent(self) -> float:
        """The wrong ones of a hundred."""
        return 100 * len(self.wrong) / self.total

    @property
    def at_most(self) -> float:
        """What the true share lies under with 95 % certainty, in percent."""
        square, share = _CERTAIN**2 / self.total, len(self.wrong) / self.total
        spread = _CERTAIN * sqrt(share * (1 - share) / self.total + square / self.total / 4)
        return 100 * (share + square / 2 + spread) / (1 + square)

    @property
    def told(self) -> str:
        """One line of the table."""
        return f"{len(self.wrong):4} of {self.total:4} = {self.percent:5.2f} %, under {self.at_most:5.2f} %"


def letters(kind: str, part: str) -> list[str]:
    """The letters of a kind (`ham`, `spam`) in a part (`tuned`, `kept`, `others`)."""
    return (LETTERS / part / f"{kind}.txt").read_text("utf-8").splitlines()


def false_holds(part: str) -> Share:
    """Customers who are held."""
    ham = letters("ham", part)
    return Share(len(ham), tuple(one for one in ham if _held(one)))


def let_through(part: str) -> Share:
    """Advertising that is not held."""
    spam = letters("spam", part)
    return Share(len(spam), tuple(one for one in spam if not _held(one)))


def alike() -> list[str]:
    """What was kept out and shares half of its sequences of four characters with a letter that was tuned on."""
    return [
        text
        for kind in ("ham", "spam")
        for tuned in [[_pieces(one) for one in letters(kind, "tuned")]]
        for text in letters(kind, "kept")
        for own in [_pieces(text)]
        if own and any(2 * len(own & one) >= len(own | one) for one in tuned)
    ]


def _pieces(text: str) -> frozenset[str]:
    plain = " ".join(re.findall(r"\w+", text.casefold()))
    return frozenset(plain[at : at + 4] for at in range(len(plain) - 3))


def cost() -> tuple[float, float]:
    """The processor time of one judgement in microseconds: of letters never seen before, and of what was seen."""
    texts = [one for kind in ("ham", "spam") for one in letters(kind, "tuned")[::3]]
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for one in texts:
            _held(one)
        rounds.append((time.process_time() - began) / len(texts) * 1e6)
    return rounds[0], min(rounds[1:])


def _held(text: str) -> bool:
    return judge({}, Written((text,), languages=LANGUAGES)).held


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.judging")
    parser.add_argument("--wrong", action="store_true", help="show those that were tuned on and are judged wrongly")
    parser.add_argument("--alike", action="store_true", help="count what was kept out and is nearly what was tuned on")
    parser.add_argument("--cost", action="store_true", help="measure what a judgement costs, and judge nothing else")
    asked = parser.parse_args(arguments)
    if asked.cost:
        print("processor time of a judgement: {:.0f} us at first, {:.0f} us again".format(*cost()))
        return
    if asked.alike:
        print(f"kept out and nearly the same as one that was tuned on: {len(alike())}")
        return
    measures = (
        *(("customers held", false_holds, part) for part in ("tuned", "kept", "others")),
        *(("advertising let through", let_through, part) for part in ("tuned", "kept")),
    )
    for label, measure, part in measures:
        share = measure(part)
        print(f"{label:24} {part:6} {share.told}")
        if asked.wrong and part == "tuned":
            print(*(f"    {one}" for one in share.wrong), sep="\n")


if __name__ == "__main__":
    main()
