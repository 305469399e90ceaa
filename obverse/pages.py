"""Parse and survey, remembered: the Markdown sources under `content/` -> surveyed pages, each worked on once.

A page whose source and rules are as they were comes back from the ledger; a body that was ever surveyed, from the memo.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from obverse.addresses import is_markdown
from obverse.config import Config
from obverse.facts import Facts, Part
from obverse.hooks import Hooks
from obverse.markup import MarkupOptions
from obverse.memo import Memo
from obverse.page import Page
from obverse.problems import Problem, problem
from obverse.site import Entry, Glance, Surveyed
from obverse.sources import Source, digest_of

CONTENT = "content/"
SECTION_PAGE = "_index"

# Where a facts record (`survey.survey_record`) has what a glance needs.
WORDS, PROBLEMS = 2, 5

Record: TypeAlias = tuple[str, str, str, tuple[Any, ...], bytes]
"""(source digest, rules, body key, glance, page record and facts record packed)."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How pages are read: the settings, the hooks, the names bodies may call, and what is remembered.

    `rules` is whatever else a page's reading depends on; `progress` is told how far the work has come.
    """

    config: Config
    hooks: Hooks
    components: frozenset[str]
    rules: str
    memo: Memo
    known: Mapping[str, Record]
    progress: Any

    def records(self, sources: Iterable[Source]) -> tuple[dict[str, Record], list[Problem]]:
        """The record of every page by content path, and the files that could not be read."""
        pages = [source for source in sources if is_page(source.path)]
        found, problems = {}, []
        rules = self.page_rules()
        markup = MarkupOptions(self.config.markdown.engine, self.hooks.markdown_extensions(()))
        for number, source in enumerate(pages):
            path = source.path.removeprefix(CONTENT)
            known = self.known.get(path)
            if known and known[:2] == (source.digest, rules):
                found[path] = known
                continue
            self.progress("reading", number, len(pages))
            try:
                found[path] = self._read(path, source, rules, markup)
            except OSError as error:
                problems.append(problem("unreadable", source.path, f"cannot be read: {error.strerror or error}"))
        return found, problems

    def page_rules(self) -> str:
        """What a page's record depends on besides its source."""
        site = self.config.site
        markdown = self.config.markdown
        return digest_of(
            repr((self.rules, site.timezone, site.language, site.languages, markdown, sorted(self.components))).encode()
        )

    def _read(self, path: str, source: Source, rules: str, markup: MarkupOptions) -> Record:
        from obverse.parse import parse, to_record

        page = self.hooks.page(parse(path, Path(source.file).read_bytes(), self.config))
        key = self._key(page, markup)
        facts = self.memo.get(key, "facts")
        if facts is None:
            _, facts = self._survey(page, key, markup)
        return source.digest, rules, key, tuple(_glance(page, facts)), marshal.dumps((to_record(page), facts))

    def _key(self, page: Page, markup: MarkupOptions) -> str:
        """What a body's survey is remembered by: the digest of all it is made from."""
        from obverse.markup import versions

        hooked = self.rules if markup.extensions else ""
        made_of = (page.body, versions(), markup.engine, hooked, sorted(self.components))
        return digest_of(repr(made_of).encode("utf-8", "surrogatepass"))

    def _survey(self, page: Page, key: str, markup: MarkupOptions) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The records of a body's parts and facts, which are remembered from now on."""
        from obverse.survey import survey, survey_record

        made = survey(page.body, page.body_line, f"{CONTENT}{page.path}", markup, self.components)
        parts, facts = survey_record(made, page.body_line)
        self.memo.put(key, facts=facts, parts=parts)
        return parts, facts

    def parts(self, entry: Entry, source: Source) -> tuple[Part, ...]:
        """The parts of a page's body: from the memo, or worked out again when it has forgotten."""
        from obverse.survey import parts_from_record

        record = self.memo.get(entry.body, "parts")
        if record is None:
            from obverse.parse import parse

            markup = MarkupOptions(self.config.markdown.engine, self.hooks.markdown_extensions(()))
            page = self.hooks.page(parse(entry.page.path, Path(source.file).read_bytes(), self.config))
            record, _ = self._survey(page, self._key(page, markup), markup)
        return parts_from_record(record, entry.page.body_line)


def _glance(page: Page, facts: tuple[Any, ...]) -> Glance:
    """What decides whether a page is out, so that the rest need not be unpacked to know."""
    matter = page.matter
    told = bool(page.problems or facts[PROBLEMS])
    return Glance(
        page.name, page.lang, matter.draft, _seconds(matter.date), _seconds(matter.expires), told, facts[WORDS] > 0
    )


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def surveyed(records: Mapping[str, Record]) -> dict[str, Surveyed]:
    """Records as surveyed pages, by content path in order."""
    return {
        path: Surveyed(path, Glance._make(glance), key, digest, partial(_unpacked, path, packed))
        for path, (digest, rules, key, glance, packed) in sorted(records.items())
    }


def _unpacked(path: str, packed: bytes) -> tuple[Page, Facts]:
    from obverse.parse import from_record
    from obverse.survey import facts_from_record

    page_record, facts_record = marshal.loads(packed)  # noqa: S302 - from the ledger, which was checked
    page = from_record(page_record)
    return page, facts_from_record(facts_record, f"{CONTENT}{path}", page.body_line)


def is_page(path: str) -> bool:
    """Whether a source is a page: Markdown under `content/`, outside `forms/` and `_data/`, no part marked private."""
    if not path.startswith(CONTENT) or not is_markdown(path):
        return False
    parts = path.removeprefix(CONTENT).split("/")
    if parts[0] in {"forms", "_data"}:
        return False
    marked = (part for part in parts[:-1] if part.startswith("_"))
    name = parts[-1].split(".")[0]
    return not any(marked) and (not name.startswith("_") or name == SECTION_PAGE)
