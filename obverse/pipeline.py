"""The heavier half of the build, when there may be something to do: parse, survey, index, plan, run, commit."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from obverse.answers import Answers
from obverse.bundled import bundled
from obverse.cells import Cells
from obverse.clock import Clock, moment
from obverse.commit import Places, Stage, commit
from obverse.config import Config, load
from obverse.crew import Crew
from obverse.data import FOLDER as DATA
from obverse.data import data_sources, read_data
from obverse.facts import Part
from obverse.form_files import FOLDER as FORMS
from obverse.form_files import Forms, forms_of, unknown_forms
from obverse.hooks import Hooks, load_hooks
from obverse.index import (
    Grounds,
    Placed,
    Standing,
    foreseen,
    ground_mark,
    index,
    index_again,
    is_published,
    place_page,
)
from obverse.jobs import Job, Output
from obverse.keep import Keep
from obverse.ledger import Asked, Ledger, Table
from obverse.ledger_file import save
from obverse.links import menu_problems
from obverse.making import Finished, finish
from obverse.memo import Memo, memo
from obverse.moves import FILE as MOVES
from obverse.moves import NO_MOVES, Moves, Published, as_toml, detected, read_moves
from obverse.names import CONTENT, is_page
from obverse.options import PREVIEW, RELEASE, BuildOptions, Report
from obverse.page import Page
from obverse.pages import Pages, Placer, Reader, Record
from obverse.pictures import RASTER, size_of
from obverse.placing import Gist, Ground
from obverse.plan import TEMPLATES, Plan, plan, plan_again
from obverse.problems import Problem, errors, levelled, problem
from obverse.references import keep, kept
from obverse.release import release_jobs
from obverse.rows import Rows, difference, whole
from obverse.site import Entry, File, Site
from obverse.sources import HOOKS, SETTINGS, Source, Sources, digest_of, recorded, restless
from obverse.theme import Theme
from obverse.versions import rules
from obverse.view import Refused
from obverse.workers import count

Addresses: TypeAlias = Table[tuple[str, str]]
"""Content path -> (site-local URL, body key) of all that is published."""


class Desk(NamedTuple):
    """All that one build works with before it looks at a page."""

    options: BuildOptions
    old: Ledger
    sources: Sources
    config: Config
    clock: Clock
    theme: Theme
    hooks: Hooks
    rules: str
    memo: Memo
    workers: int

    @property
    def moved(self) -> tuple[Moves, tuple[Problem, ...]]:
        """What `_moves.toml` says, and what is wrong with it."""
        source = self.sources.files.get(MOVES)
        return read_moves(_text(source)) if source else (NO_MOVES, ())


class _Placed(NamedTuple):
    """The site, and what to remember of it: records of pages, their places, and the addresses they are published at.

    `unreadable` are files that could not be read; `moves` is what has moved by now, `problems` what is wrong with what
    was known of that.
    """

    site: Site
    records: Table[Record]
    places: Table[Placed]
    addresses: Addresses
    unreadable: list[Problem]
    moves: Moves
    problems: tuple[Problem, ...]


class _Looked(NamedTuple):
    """All that was found before anything was made."""

    placed: _Placed
    planned: Plan
    forms: Forms


def make_site(options: BuildOptions, old: Ledger, sources: Sources, at: Clock | None, keep: Keep) -> Report:
    """Everything after the first look at the disk; the report of what came of it. Raises StoppedError."""
    with _desk(options, old, sources, at) as (desk, problems):
        if desk is None:
            return Report(levelled(problems, {}), blocked=True)
        return _make(desk, problems, keep)


def look(
    options: BuildOptions, old: Ledger, sources: Sources, at: Clock | None
) -> tuple[Site | None, tuple[Problem, ...]]:
    """The site as it would be built, and what is wrong with it so far; nothing is rendered or written."""
    with _desk(options, old, sources, at) as (desk, problems):
        if desk is None:
            return None, problems
        placed = _placed(desk, _reader(desk))
        found = (*problems, *placed.unreadable, *placed.problems, *placed.site.problems)
        return placed.site, levelled(found, desk.config.checks)


@contextlib.contextmanager
def _desk(
    options: BuildOptions, old: Ledger, sources: Sources, at: Clock | None
) -> Iterator[tuple[Desk | None, tuple[Problem, ...]]]:
    """The desk, and what is wrong with the settings; None when they cannot be worked with."""
    config, problems = load(_text(sources.files[SETTINGS]), SETTINGS)
    if errors(problems):
        yield None, problems
        return
    if options.base_url:
        config = config.with_base_url(options.base_url)
    if options.mode == PREVIEW:
        config = config.with_local_capture()
    elif not config.site.url:
        hint = 'write url = "https://..." under [site]'
        problems = (*problems, problem("no-url", SETTINGS, "the site has no address", hint=hint))
    files = (*sources.under("templates/"), *sources.under("theme/"))
    rulebook = rules(sources)
    known = kept(bundled("templates"), rulebook) if _shares(options, sources) and not old.references else {}
    theme = Theme(files, config.base_path, {**known, **old.references}, _references_in)
    hooks = load_hooks(options.root / HOOKS)
    now = moment(at, config.site.timezone)
    with memo(options.workshop / ("clean.db" if options.clean else "memo.db"), brief=options.clean) as remembered:
        yield (
            Desk(options, old, sources, config, now, theme, hooks, rulebook, remembered, count(options.workers)),
            problems,
        )
    if _shares(options, sources) and not old.references:
        keep(bundled("templates"), rulebook, theme, known)


def _shares(options: BuildOptions, sources: Sources) -> bool:
    """Whether what is known of the bundled theme counts: not for a site with hooks, nor for a build to compare with."""
    return not options.clean and HOOKS not in sources.files


def _make(desk: Desk, problems: tuple[Problem, ...], keep: Keep) -> Report:
    jinja = functools.cache(functools.partial(_jinja, desk))
    reader = _reader(desk, functools.partial(_prepare, desk, jinja))
    placed = _placed(desk, reader)
    site = placed.site
    data, strange = data_sources(desk.sources.under(DATA))
    forms = forms_of(desk.sources.under(FORMS), desk.config, desk.rules, desk.old.forms)
    planned = _planned(desk, site, forms)
    cells = Cells(site, desk.theme, planned.owners, planned.mark, data, _sizes(desk), forms)
    answers = _answers(desk, cells, placed.places)
    stage = Stage(desk.options.workshop, Places(desk.options.folder, desk.options.release_folder))
    try:
        desk.memo.share()
        crew = Crew(_maker(desk, site, answers, reader, data, jinja), desk.memo, desk.workers)
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
            ledger = _ledger(desk, _Looked(placed, planned, forms), answers, done, report)
            _write_moves(desk, placed.moves)
            removals = (*done.removals, *_strangers(desk, done))
            commit(desk.options.workshop, stage, removals, *save(desk.old, ledger, desk.options.ledger_file))
            keep.remember(desk.options.ledger_file, ledger)
        return report
    finally:
        stage.discard()


def _sizes(desk: Desk) -> Callable[[File], tuple[int, int] | None]:
    """The function that tells a picture's size: what it is called and what is in it say all, so that is remembered."""

    @functools.cache
    def size(file: File) -> tuple[int, int] | None:
        key = digest_of(f"{desk.rules} {file.digest} {os.path.splitext(file.path)[1]}".encode("utf-8", "surrogatepass"))
        known = desk.memo.get(key, "size")
        if known is None:
            known = size_of(file) or ()
            desk.memo.put(key, size=known)
        return known or None

    return size


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


def _references_in(text: str) -> tuple[str, ...]:
    from obverse.templates import references_in  # Jinja, which a build with known templates does not need

    return references_in(text)


def _reader(desk: Desk, meanwhile: Callable[[], None] = lambda: None) -> Reader:
    return Reader(
        config=desk.config,
        hooks=desk.hooks,
        components=desk.theme.components(),
        rules=desk.rules,
        memo=desk.memo,
        known=desk.old.pages,
        progress=desk.options.progress,
        place=_placer(desk),
        meanwhile=meanwhile,
        workers=desk.workers,
    )


def _placer(desk: Desk) -> Placer:
    """The function that gives a page its place when nothing is known yet of the others."""

    @functools.cache
    def before(rules: str) -> tuple[Ground, str]:
        sources = tuple(desk.sources.under(CONTENT))
        paths = [source.path.removeprefix(CONTENT) for source in sources if is_page(source.path)]
        ground = foreseen(sources, paths, desk.config, desk.moved[0])
        return ground, ground_mark(ground, rules)

    def place(page: Page, gist: tuple[Any, ...], digest: str, rules: str) -> Placed:
        ground, said = before(rules)
        return place_page(page, Gist(*gist), f"{digest} {said}", ground)

    return place


def _text(source: Source) -> str:
    return Path(source.file).read_bytes().decode("utf-8", "replace")


# Placing pages, and noticing those that moved.


def _placed(desk: Desk, reader: Reader) -> _Placed:
    """All pages, read and in their places."""
    moves, problems = desk.moved
    grounds = Grounds(
        sources=desk.sources,
        config=desk.config,
        clock=desk.clock,
        moves=moves,
        drafts=desk.options.drafts,
        rules=reader.page_rules(),
        known=desk.old.places,
        made=reader.placed,
        standing=desk.old.standing,
        orders=desk.old.orders,
    )
    changed = _changed_pages(desk, grounds)
    if changed is None:
        records: Table[Record]
        records, unreadable = reader.records(desk.sources.under(CONTENT))
    else:
        records, unreadable = reader.records_again([desk.sources.files[CONTENT + path] for path in changed])
        found = None if unreadable else index_again(changed, Pages(records), Pages(desk.old.pages), grounds)
        if found:
            site, places = found
            return _Placed(site, records, places, _addresses_again(desk, site, changed), [], moves, problems)
    pages, before = Pages(whole(records)), whole(desk.old.addresses)
    site, places = index(pages, grounds)
    now = _addresses(site)
    if desk.options.mode == "site" and not problems and (_elsewhere(before, now) or moves.pages.keys() & now.keys()):
        paths = frozenset(path.removeprefix("content/") for path in desk.sources.files)
        more = detected(_published(before), _published(now), moves, paths)
        if more != moves:
            moves = more
            site, places = index(pages, grounds._replace(moves=more))
    return _Placed(site, records, places, now, unreadable, moves, problems)


def _changed_pages(desk: Desk, grounds: Grounds) -> list[str] | None:
    """The pages that changed, when nothing else did that a place or an order is made of; None when something did."""
    old = desk.old
    if not old.standing or not _same_rules(desk) or old.setting != desk.options.setting:
        return None
    if Standing._make(old.standing).rules != grounds.rules or grounds.clock.now < datetime.fromisoformat(old.built_at):
        return None
    changed = []
    for path in sorted(desk.sources.changed):
        if is_page(path):
            changed.append(path.removeprefix(CONTENT))
        elif path in {SETTINGS, MOVES} or (path.startswith(CONTENT) and is_published(path.removeprefix(CONTENT))):
            return None
    known = all(path in old.pages and CONTENT + path in desk.sources.files for path in changed)
    return changed if known else None


def _addresses(site: Site) -> dict[str, tuple[str, str]]:
    """Where all that is published is, and what is there."""
    return {path: _address(entry, site) for path, entry in site.entries.items()}


def _addresses_again(desk: Desk, site: Site, changed: Iterable[str]) -> Addresses:
    """The same, when none but these pages may have changed, and none has moved."""
    found = desk.old.addresses.copy()
    for path in changed:
        if path in site.entries:
            found[path] = _address(site.entries[path], site)
    return found


def _address(entry: Entry, site: Site) -> tuple[str, str]:
    # Pages without a word are all alike, so none of them can be recognised by its body.
    return entry.place.url.removeprefix(site.config.base_path), entry.body if entry.glance.wordy else ""


def _elsewhere(before: Mapping[str, tuple[str, str]], now: Mapping[str, tuple[str, str]]) -> bool:
    """Whether any page may have moved: where all paths have the URLs they had, none has."""
    return before.keys() != now.keys() or any(now[path][0] != url for path, (url, _) in before.items())


def _published(addresses: Mapping[str, tuple[str, str]]) -> list[Published]:
    return [Published(path, url, body) for path, (url, body) in addresses.items()]


def _write_moves(desk: Desk, moves: Moves) -> None:
    """Write `_moves.toml` when the build has seen a page move; it belongs to the writer, so it is replaced whole."""
    source = desk.sources.files.get(MOVES)
    known = read_moves(_text(source))[0] if source else NO_MOVES
    if moves != known:
        target = desk.options.root / MOVES
        draft = target.with_name(target.name + "~")
        draft.write_text(as_toml(moves), encoding="utf-8", newline="\n")
        os.replace(draft, target)


# What is known from last time, and what is remembered for next time.


def _same_rules(desk: Desk) -> bool:
    return desk.old.rules == desk.rules


def _answers(desk: Desk, cells: Cells, places: Table[Placed]) -> Answers:
    if not _same_rules(desk):
        return Answers(cells, Asked(), ())
    changed, gone = difference(desk.old.places, places)
    return Answers(cells, desk.old.asked, (*changed, *sorted(gone)))


def _outputs_known(desk: Desk) -> Ledger:
    """The ledger to compare with: under other rules no recorded question counts."""
    return desk.old if _same_rules(desk) else Ledger(outputs=desk.old.outputs)


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


# Rendering, with Jinja imported only now.


def _jinja(desk: Desk) -> Any:
    """The environment of all templates, as the site's hook leaves it."""
    from obverse.bytecode import bytecode
    from obverse.templates import environment

    folder, shared = desk.options.workshop / "bytecode", _shares(desk.options, desk.sources)
    compiled = None if desk.options.clean else bytecode(folder, bundled("templates"), desk.rules, shared=shared)
    return desk.hooks.jinja(environment(desk.theme, compiled))


def _prepare(desk: Desk, jinja: Callable[[], Any]) -> None:
    """Get ready to render while other processes read: libraries, and the templates that most sites use."""
    import obverse.run  # noqa: F401 - it takes Jinja with it

    picture = next((one for one in desk.sources.under("content/") if one.path.lower().endswith(RASTER)), None)
    if picture:
        size_of(File(picture.path, "", picture.digest, picture.file))
    for name in TEMPLATES.values():
        desk.theme.closure(name)
        with contextlib.suppress(Exception):  # what is wrong with a template is told when it is rendered
            jinja().get_template(name)


def _maker(
    desk: Desk, site: Site, answers: Answers, reader: Reader, data: dict[str, Source], jinja: Callable[[], Any]
) -> Any:
    """The function that makes an output from a job. What it needs is set up when the first job comes."""

    def parts(path: str) -> tuple[Part, ...]:
        return reader.parts(site.entries[path], desk.sources.files[f"content/{path}"])

    @functools.cache
    def values(name: str) -> Any:
        value, wrong = read_data(data[name])
        if wrong:
            raise Refused(wrong)
        return value

    @functools.cache
    def shop() -> Any:
        from obverse.run import Workshop

        return Workshop(site, desk.theme, jinja(), answers, desk.hooks, parts, values, {})

    def make(job: Job) -> Output:
        from obverse.run import make as make_one

        output = make_one(job, shop())
        told = desk.hooks.told()
        return output._replace(problems=(*output.problems, *told)) if told else output

    return make
