"""writing: plan -> run -> commit. All pages in their places -> outputs, written, and the ledger that tells of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from obverse.answers import Answers
from obverse.cells import Cells
from obverse.commit import Places, Stage, commit
from obverse.crew import Crew
from obverse.data import FOLDER as DATA
from obverse.data import data_sources
from obverse.desk import Desk
from obverse.form_files import FOLDER as FORMS
from obverse.form_files import Forms, forms_of, unknown_forms
from obverse.gather import Gathered, write_moves
from obverse.keep import Keep
from obverse.ledger import Asked, Ledger, Table
from obverse.ledger_file import ahead, save
from obverse.links import menu_problems
from obverse.making import Finished, finish
from obverse.moves import FILE as MOVES
from obverse.names import CONTENT, is_page
from obverse.options import RELEASE, Report
from obverse.pages import Reader, Record
from obverse.plan import Plan, plan, plan_again
from obverse.problems import Problem, errors, levelled
from obverse.release import release_jobs
from obverse.rendering import maker, sizes
from obverse.rows import Rows, difference, whole
from obverse.site import Site
from obverse.sources import Source, digest_of, recorded, restless
from obverse.standing import Placed

# With more pages than this, what is packed ahead is more than three processes may hold at once.
FEW = 2_000


class _Looked(NamedTuple):
    """All that was found before anything was made; `ready` are tables of the ledger that were packed meanwhile."""

    placed: Gathered
    planned: Plan
    forms: Forms
    ready: dict[str, bytes]


def write(
    desk: Desk,
    reader: Reader,
    placed: Gathered,
    jinja: Callable[[], Any],
    problems: tuple[Problem, ...],
    keep: Keep,
) -> Report:
    """Make and write what is to be made of the site. `problems` are those known so far. Raises StoppedError."""
    site = placed.site
    data, strange = data_sources(desk.sources.under(DATA))
    forms = forms_of(desk.sources.under(FORMS), desk.config, desk.rules, desk.old.forms)
    planned = _planned(desk, site, forms)
    looked = _Looked(placed, planned, forms, {})
    cells = Cells(site, desk.theme, planned.owners, planned.mark, data, sizes(desk), forms)
    answers = _answers(desk, cells, placed.places)
    keep.hold(desk, reader, looked, cells, answers, jinja)
    stage = Stage(desk.options.workshop, Places(desk.options.folder, desk.options.release_folder))
    try:
        desk.memo.share()
        meanwhile = functools.partial(_meanwhile, desk, looked)
        crew = Crew(maker(desk, site, answers, reader, data, jinja), desk.memo, desk.workers, meanwhile)
        known = _outputs_known(desk)
        done = finish(planned, known, answers, desk.theme, crew, stage, desk.options)
        desk.memo.save(len(placed.records), lambda: (record[2] for record in whole(placed.records).values()))
        problems = (*problems, *menu_problems(cells.value, desk.config.menus))
        problems = (*problems, *forms.problems, *unknown_forms(site, forms))
        found = (*problems, *desk.sources.problems, *placed.unreadable, *placed.problems, *strange, *site.problems)
        found = (*found, *planned.problems, *desk.theme.word_problems(), *desk.hooks.problems, *done.problems)
        told = levelled((*levelled(found, desk.config.checks), *done.failures), {})
        due = min(site.next_due, answers.next_due(done.asks))
        report = _report(done, told, due)
        if not report.blocked and not desk.options.dry:
            ledger = _ledger(desk, looked, answers, done, report)
            if placed.moves != desk.moved[0]:
                write_moves(desk, placed.moves)
                # What it said before is no reason to leave all as it is, should it say that again.
                ledger.sources.pop(MOVES, None)
            removals = (*done.removals, *_strangers(desk, done))
            commit(
                desk.options.workshop, stage, removals, *save(desk.old, ledger, desk.options.ledger_file, looked.ready)
            )
            keep.remember(desk.options.ledger_file, ledger)
        return report
    finally:
        stage.discard()


def _planned(desk: Desk, site: Site, forms: Forms) -> Plan:
    key = digest_of(
        repr((site.layout, desk.rules, desk.theme.template_names(), forms.named)).encode("utf-8", "surrogatepass")
    )
    before, mark = desk.old.planned
    if before == key and desk.old.outputs:
        return plan_again(desk.old.outputs, key, mark)
    fresh = _planned_anew(desk, site, forms)
    return fresh if fresh.problems or desk.hooks.plans else replace(fresh, key=key)


def _planned_anew(desk: Desk, site: Site, forms: Forms) -> Plan:
    fresh = plan(site, desk.theme)
    return replace(fresh, jobs={**desk.hooks.jobs(dict(fresh.jobs)), **release_jobs(site, forms)})


def _meanwhile(desk: Desk, looked: _Looked) -> None:
    """While other processes make outputs: write and pack what is known by now."""
    desk.memo.write()
    placed = looked.placed
    if desk.old.base is None and len(placed.records) <= FEW:
        tables = {"pages": placed.records, "places": placed.places, "addresses": placed.addresses}
        looked.ready.update(ahead(tables | {"orders": _kept(placed.site.orders)}))


# What is known from last time, and what is remembered for next time.


def _answers(desk: Desk, cells: Cells, places: Table[Placed]) -> Answers:
    if not desk.same_rules:
        return Answers(cells, Asked(), ())
    changed, gone = difference(desk.old.places, places)
    return Answers(cells, desk.old.asked, (*changed, *sorted(gone)))


def _outputs_known(desk: Desk) -> Ledger:
    """The ledger to compare with: under other rules no recorded question counts."""
    return desk.old if desk.same_rules else Ledger(outputs=desk.old.outputs)


def _ledger(desk: Desk, looked: _Looked, answers: Answers, done: Finished, report: Report) -> Ledger:
    placed = looked.placed
    few = looked.planned.again and not answers.asked_more
    asked, numbers = answers.tables(None if few else done.live_questions())
    touched = restless(_looked_into(desk, placed.records))
    if not all(map(is_page, touched)):
        # A template or a file that was written while we read it: what was made in this build is made again.
        done.distrust_written()
    if numbers is not None:
        done.renumber(numbers)
    pages = placed.records
    sources = recorded(desk.sources, desk.old.sources, _read_later(desk, pages))
    if touched:
        looked.ready.pop("pages", None)
    for path in touched:
        pages.pop(path.removeprefix(CONTENT), None)
        sources.pop(path, None)
    return Ledger(
        sources=sources,
        pages=pages,
        places=placed.places,
        orders=_kept(placed.site.orders),
        standing=placed.site.standing,
        references=desk.theme.references,
        rules=desk.rules,
        setting=desk.options.setting,
        next_due=report.next_due.isoformat(),
        built_at=desk.clock.now.isoformat(),
        # What was put off may be new, and then nothing but a new plan knows of it.
        planned=("", "") if done.partial else (looked.planned.key, looked.planned.mark),
        forms=looked.forms.record,
        asked=asked,
        outputs=done.outputs,
        addresses=placed.addresses,
        told=report.problems,
    )


def _read_later(desk: Desk, records: Table[Record]) -> dict[str, str]:
    """The digests of pages that were read to be parsed and not before."""
    later = (one.path for one in desk.sources.unsure if not one.digest)
    paths = ((path, path.removeprefix(CONTENT)) for path in later)
    return {path: records[name][0] for path, name in paths if name in records}


def _kept(orders: Mapping[str, Any]) -> Table[Any]:
    return orders if isinstance(orders, (dict, Rows)) else dict(orders)


def _looked_into(desk: Desk, records: Table[Record]) -> Iterator[Source]:
    """The sources that this build may have read since it saw them: all but the pages that are as they were."""
    yield from (desk.sources.files[path] for path in desk.sources.paths if not _surely_a_page(path))
    for path in difference(desk.old.pages, records)[0]:
        yield desk.sources.files[CONTENT + path]


def _surely_a_page(path: str) -> bool:
    """Whether a source is a page: one of which that is not plain at first sight may be, too."""
    return path.endswith(".md") and "/_" not in path and path.startswith(CONTENT) and not path.startswith(FORMS)


def _report(done: Finished, told: tuple[Problem, ...], due: datetime) -> Report:
    changed = sorted((*done.written, *done.removals))
    return Report(
        problems=told,
        written=tuple(path for path in sorted(done.written) if not path.startswith(RELEASE)),
        removed=tuple(path for path in done.removals if not path.startswith(RELEASE)),
        released=tuple(path.removeprefix(RELEASE) for path in changed if path.startswith(RELEASE)),
        total=sum(not path.startswith(RELEASE) for path in done.outputs.stamps),
        blocked=bool(errors(told)),
        next_due=due,
        because=done.written,
        partial=done.partial,
    )


def _strangers(desk: Desk, done: Finished) -> list[str]:
    """What is in our own folders and no known build wrote: a stale draft might be among it. Hidden files stay."""
    if desk.old.outputs:
        return []
    found = [*_found_in(desk.options.folder, ""), *_found_in(desk.options.release_folder, RELEASE)]
    return [path for path in found if path not in done.outputs.stamps]


def _found_in(top: Path, prefix: str) -> Iterator[str]:
    """Files, and folders with nothing in them: whoever made such a folder was killed before its file came."""
    for inner, folders, files in os.walk(top):
        place = Path(inner).relative_to(top)
        if not folders and not files and inner != str(top):
            yield f"{prefix}{place.as_posix()}"
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (prefix + (place / name).as_posix() for name in files if not name.startswith("."))
