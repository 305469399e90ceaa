"""The wording's table: makes `capture/wording.bin` from the letters that are tuned on, the same bytes on any machine.

    python -m benchmarks.wording [--across]

A linear support vector machine, by dual coordinate descent in a fixed order; nothing but sums, products and square
roots, which all machines round alike. A customer who is held costs ten times what an advertisement does that is let
through. With `--across` nothing is written: each tenth of the letters is judged by what the other nine taught, and the
shares are told. What is kept out is never read here.
"""

from __future__ import annotations

import argparse
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from zlib import crc32

from benchmarks.judging import LANGUAGES, Share, letters
from capture.judge import judge
from capture.signs import Written
from capture.wording import SIZE, STEPS, TABLE, counted

_ROUNDS = 12
_CUSTOMER, _ADVERTISEMENT = 10.0, 1.0
_PARTS = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """A letter, what is counted of it, and whether it is advertising."""

    text: str
    found: Mapping[int, int]
    bad: bool

    @property
    def scale(self) -> float:
        """What makes letters of any length alike."""
        return 1 / sqrt(sum(value * value for value in self.found.values()) + 1)


def samples() -> list[Sample]:
    """Those that are tuned on."""
    kinds = (("ham", False), ("spam", True))
    return [Sample(text, counted(text), bad) for kind, bad in kinds for text in letters(kind, "tuned")]


def table_of(taught: Sequence[Sample]) -> bytes:
    """The table that letters teach."""
    weights = _learned(taught)
    return array("b", (max(-127, min(127, round(one * STEPS))) for one in weights)).tobytes()


def across(taught: Sequence[Sample]) -> tuple[Share, Share]:
    """Customers held and advertising let through, each letter judged by what others taught."""
    wrong: dict[bool, list[str]] = {True: [], False: []}
    for part in range(_PARTS):
        table = array("b", table_of([one for at, one in enumerate(taught) if at % _PARTS != part]))
        for one in taught[part::_PARTS]:
            held = judge({}, Written((one.text,), languages=LANGUAGES), table).held
            if held != one.bad:
                wrong[one.bad].append(one.text)
    bad = sum(one.bad for one in taught)
    return Share(len(taught) - bad, tuple(wrong[False])), Share(bad, tuple(wrong[True]))


def _learned(taught: Sequence[Sample]) -> list[float]:
    weights, pulls = [0.0] * SIZE, [0.0] * len(taught)
    rows = [(list(one.found.items()), one.scale, one.bad) for one in taught]
    for turn in range(_ROUNDS):
        for at in sorted(range(len(rows)), key=lambda one: crc32(b"%d %d" % (turn, one))):
            found, scale, bad = rows[at]
            side = scale if bad else -scale
            slack = 0.5 / (_ADVERTISEMENT if bad else _CUSTOMER)
            miss = side * sum([weights[slot] * value for slot, value in found]) - 1 + slack * pulls[at]
            pull = max(pulls[at] - miss / (1 + slack), 0.0)
            change, pulls[at] = (pull - pulls[at]) * side, pull
            if change:
                for slot, value in found:
                    weights[slot] += change * value
    return weights


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table, or tell how well it does on what it was not taught."""
    parser = argparse.ArgumentParser(prog="benchmarks.wording")
    parser.add_argument("--across", action="store_true", help="judge each tenth by the others, and write nothing")
    parser.add_argument("--wrong", action="store_true", help="show those that are judged wrongly")
    asked = parser.parse_args(arguments)
    if not asked.across:
        TABLE.write_bytes(table_of(samples()))
        return
    for label, share in zip(("customers held", "advertising let through"), across(samples()), strict=True):
        print(f"{label:24} by what others taught: {share.told}")
        if asked.wrong:
            print(*(f"    {one}" for one in share.wrong), sep="\n")


if __name__ == "__main__":
    main()
