"""Job and Output: one file of the site to be made, and what came of making it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from obverse.problems import Problem
from obverse.site import Card

KINDS = frozenset(
    {"asset", "feed", "file", "headers", "list", "page", "redirect", "release", "robots", "shell", "sitemap", "terms"}
)


@dataclass(frozen=True, slots=True)
class Job:
    """One output to make.

    `output` is its path under the output folder, or, after `options.RELEASE`, under the release's; `url` its site-local
    URL. `kind` chooses how it is made ("page", "list", "feed", "file", "asset" …), `template` with what. `subject` is
    the content path of the page it shows, or "" when `card` stands in for one. `params` are whatever else its kind
    needs.
    """

    output: str
    url: str
    kind: str
    template: str = ""
    subject: str = ""
    card: Card | None = None
    params: tuple[str | int, ...] = ()

    @property
    def record(self) -> tuple[object, ...]:
        """What tells this job from another one for the same output, as plain values."""
        return (self.url, self.kind, self.template, self.subject, _card_record(self.card), self.params)

    @classmethod
    def from_record(cls, output: str, record: tuple[Any, ...]) -> Job:
        """The job again; of one with a card that a hook made, a record does not tell all."""
        url, kind, template, subject, card, params = record
        return cls(output, url, kind, template, subject, Card.bare(*card) if card else None, params)

    @property
    def origin(self) -> str:
        """What to name when this job is in somebody's way."""
        return f"content/{self.subject}" if self.subject else f"the {self.kind} {self.url}"


def _card_record(card: Card | None) -> tuple[str, ...] | str:
    """A bare card as what it is made of; any other, which only a hook gives to a job, as its digest."""
    if card is None:
        return ()
    bare = (card.kind, card.lang, card.url, card.title)
    return bare if card == Card.bare(*bare) else repr(card)


class Output(NamedTuple):
    """A finished job.

    `data` are its bytes, or `copy_of` the file they are in; `reads` the numbers of the questions it asked, `wants` the
    assets it names, `problems` what was found wrong on the way. `failed` when there are no bytes because of them.
    """

    job: Job
    data: bytes
    copy_of: str
    reads: tuple[int, ...]
    wants: tuple[str, ...]
    problems: tuple[Problem, ...]
    failed: bool = False
