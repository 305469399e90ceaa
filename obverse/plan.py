"""plan: the Site -> Jobs, one for each file it will be made of; and the owner of every address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from obverse.addresses import beneath, decoded, encoded, output_path, segment
from obverse.index import TAXONOMIES
from obverse.jobs import Job
from obverse.late import Late
from obverse.ledger import Outputs
from obverse.moves import FILE as MOVES
from obverse.options import RELEASE
from obverse.placing import dated_section, taxonomy_folder
from obverse.problems import Problem, nearest, problem
from obverse.questions import archived_pages
from obverse.rows import whole
from obverse.site import Card, Entry, Place, Site
from obverse.sources import digest_of
from obverse.theme import Theme

# What each kind of page is rendered with, unless its front matter names another template.
TEMPLATES = {
    "home": "home.html",
    "page": "page.html",
    "article": "article.html",
    "section": "list.html",
    "author": "author.html",
    "authors": "authors.html",
    "term": "term.html",
    "terms": "terms.html",
    "404": "404.html",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made: jobs by output path, the content path each site-local URL shows, and collisions found.

    `mark` is another text whenever an owner could be another one, `key` whenever anything here could be; it is "" when
    there has to be a new plan every time. `again` says that all is as it was planned before.
    """

    jobs: Mapping[str, Job]
    owners: Mapping[str, str]
    problems: tuple[Problem, ...]
    mark: str
    key: str = ""
    again: bool = False


def plan(site: Site, theme: Theme) -> Plan:
    """Every output of the site but its assets, which are made when something wants them."""
    jobs: dict[str, Job] = {}
    problems: list[Problem] = []
    names: dict[str, str] = {}
    for job in _all_jobs(site, theme, problems):
        taken = names.setdefault(job.output.casefold(), job.output)
        if taken in jobs:
            message = f"{jobs[taken].origin} and {job.origin} would both be {job.url}"
            problems.append(_collision(site, jobs[taken], job, message))
        else:
            jobs[job.output] = job
    if left := _redirect_jobs(site, left=True):
        jobs |= {job.output: job for job in _where_there_is_room(left, names, jobs)}
    blocked = {**dict(_file_in_the_way(site, jobs, names)), **dict(_too_long(site, jobs))}
    jobs = {output: job for output, job in jobs.items() if output not in blocked}
    owners = {job.url: job.subject for job in jobs.values()}
    mark = digest_of(repr(owners).encode("utf-8", "surrogatepass"))
    return Plan(jobs, owners, (*problems, *blocked.values()), mark)


def plan_again(outputs: Outputs, key: str, mark: str) -> Plan:
    """The plan that led to these outputs, of which jobs are made only when they are asked for."""
    return Plan(_Jobs(outputs), _Owners(outputs), (), mark, key, again=True)


class _Jobs(Mapping[str, Job]):
    """Jobs out of the ledger's records."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def __getitem__(self, output: str) -> Job:
        if output in self._outputs.assets:
            raise KeyError(output)
        return Job.from_record(output, self._outputs.records[output].job)

    def __contains__(self, output: object) -> bool:
        return output in self._outputs.stamps and output not in self._outputs.assets

    def __iter__(self) -> Iterator[str]:
        return (output for output in self._outputs.stamps if output not in self._outputs.assets)

    def __len__(self) -> int:
        return len(self._outputs.stamps) - len(self._outputs.assets)


class _Owners(Mapping[str, str]):
    """The subjects of jobs by URL: that of one is found by the path of its output."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._all = Late(lambda: {job[0]: job[3] for _, job in self._jobs()})

    def _jobs(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        assets, records = self._outputs.assets, whole(self._outputs.records).items()
        return ((path, one.job) for path, one in records if path not in assets and not path.startswith(RELEASE))

    def __getitem__(self, url: str) -> str:
        output = output_path(url)
        job = self._outputs.records[output].job if output not in self._outputs.assets else ("",)
        if job[0] != url:
            raise KeyError(url)
        subject: str = job[3]
        return subject

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def _all_jobs(site: Site, theme: Theme, problems: list[Problem]) -> Iterator[Job]:
    """What people wrote first, then what follows from it: a file of one's own replaces a generated one."""
    for entry in site.entries.values():
        yield from _entry_jobs(site, entry, theme, problems)
    yield from _file_jobs(site)
    for lang in _languages(site):
        yield from _section_jobs(site, lang)
        yield from _term_jobs(site, lang)
        yield from _author_jobs(site, lang)
    yield from _redirect_jobs(site, left=False)
    own = {file.url.removeprefix(site.config.base_path) for file in site.files.values()}
    generated = (*(job for lang in _languages(site) for job in _feed_jobs(site, lang)), *_fixed_jobs(site))
    yield from (job for job in generated if job.url not in own)


def page_job(url: str, template: str, subject: str = "", card: Card | None = None) -> Job:
    """A page on its own."""
    return Job(output_path(url), url, "page", template, subject, card)


def _entry_jobs(site: Site, entry: Entry, theme: Theme, problems: list[Problem]) -> Iterator[Job]:
    place = entry.place
    url = place.url.removeprefix(site.config.base_path)
    template = _template(entry, theme, problems)
    if place.kind == "section" and dated_section(_own_folder(place), site.config):
        yield from _list_jobs(site, place.lang, f"section={_own_folder(place)}", url, template, place.path, None)
    elif place.kind == "author":
        yield from _list_jobs(site, place.lang, f"authors={place.name}.md", url, template, place.path, None)
    else:
        yield page_job(url, template, place.path)


def _template(entry: Entry, theme: Theme, problems: list[Problem]) -> str:
    wanted, place = entry.place.template, entry.place
    if not wanted:
        return TEMPLATES[place.kind]
    name = wanted if wanted.endswith(".html") else f"{wanted}.html"
    if theme.source(name):
        return name
    line, column = entry.page.places.get("template", (1, 1))
    known = [one.removesuffix(".html") for one in theme.template_names()]
    message, where = f"no such template: '{wanted}'", f"content/{place.path}"
    hint = nearest(wanted, known)
    problems.append(problem("unknown-template", where, message, line=line, column=column, hint=hint))
    return TEMPLATES[place.kind]


def _own_folder(place: Place) -> str:
    """The content folder a section's own page stands for."""
    return place.name.removesuffix("_index").rstrip("/")


def _list_jobs(
    site: Site, lang: str, selector: str, url: str, template: str, subject: str, card: Card | None
) -> Iterator[Job]:
    """The front of a list and its archived pages."""
    total = len(site.lists.get(f"{lang}/{selector}", ()))
    for number in range(archived_pages(total, site.config.articles.per_page) + 1):
        address = f"{beneath(url)}page/{number}/" if number else url
        params = (selector, number, site.config.base_path + url)
        yield Job(output_path(address), address, "list", template, subject, card, params)


def _languages(site: Site) -> list[str]:
    return list(dict.fromkeys((site.config.site.language, *site.config.site.languages)))


def _prefix(site: Site, lang: str) -> str:
    return "" if lang == site.config.site.language else f"/{lang}"


def _section_jobs(site: Site, lang: str) -> Iterator[Job]:
    """Dated sections that nobody wrote an `_index.md` for."""
    written = {_own_folder(entry.place) for entry in site.entries.values() if entry.place.lang == lang}
    for section in site.config.articles.sections:
        if section not in written and site.lists.get(f"{lang}/section={section}"):
            url = _prefix(site, lang) + "".join(encoded("/" + segment(part)) for part in section.split("/")) + "/"
            title = section.rsplit("/", 1)[-1].replace("-", " ").capitalize()
            card = generated(site, "section", lang, url, title)
            yield from _list_jobs(site, lang, f"section={section}", url, TEMPLATES["section"], "", card)


def _term_jobs(site: Site, lang: str) -> Iterator[Job]:
    for taxonomy in TAXONOMIES:
        terms = site.terms.get(f"{lang}/{taxonomy}", ())
        if not terms:
            continue
        url = _prefix(site, lang) + encoded(f"/{taxonomy_folder(site.config, taxonomy)}/")
        card = generated(site, "terms", lang, url, "")
        yield Job(output_path(url), url, "terms", TEMPLATES["terms"], "", card, (taxonomy,))
        for term, _count in terms:
            own = term.url.removeprefix(site.config.base_path)
            card = generated(site, "term", lang, own, term.name)
            yield from _list_jobs(site, lang, f"{taxonomy}={term.slug}", own, TEMPLATES["term"], "", card)


def _author_jobs(site: Site, lang: str) -> Iterator[Job]:
    """The list of authors, when nobody wrote `authors/_index.md`."""
    if site.lists.get(f"{lang}/kind=author") and not site.lists.get(f"{lang}/kind=authors"):
        url = f"{_prefix(site, lang)}/authors/"
        yield page_job(url, TEMPLATES["authors"], "", generated(site, "authors", lang, url, ""))


def _feed_jobs(site: Site, lang: str) -> Iterator[Job]:
    if site.lists.get(f"{lang}/articles"):
        for name, template in (("feed.xml", "atom.xml"), ("feed.json", "")):
            url = f"{_prefix(site, lang)}/{name}"
            yield Job(output_path(url), url, "feed", template, params=(lang,))


def _redirect_jobs(site: Site, *, left: bool) -> list[Job]:
    """Redirects from addresses that pages `left`, or those that aliases ask for."""
    asked = [(url, path) for url, (path, where) in sorted(site.redirects.items()) if (where == MOVES) == left]
    return [Job(output_path(url), url, "redirect", "redirect.html", path) for url, path in asked]


def _where_there_is_room(left: Iterable[Job], names: dict[str, str], jobs: Iterable[str]) -> Iterator[Job]:
    """Those in nobody's way: nobody asked for them, so what is written today may have any address of yesterday."""
    around = {folder.casefold() for folder in _folders(jobs)}
    for job in left:
        name, folders = job.output.casefold(), {folder.casefold() for folder in _folders([job.output])}
        if name not in names and name not in around and names.keys().isdisjoint(folders):
            names[name] = job.output
            around |= folders
            yield job


def _file_jobs(site: Site) -> Iterator[Job]:
    for path, file in site.files.items():
        url = file.url.removeprefix(site.config.base_path)
        yield Job(output_path(url), url, "file", subject=path)


def _fixed_jobs(site: Site) -> Iterator[Job]:
    """What every site has, unless it brings its own."""
    lang = site.config.site.language
    if not site.lists.get(f"{lang}/kind=404"):
        yield page_job("/404.html", TEMPLATES["404"], "", generated(site, "404", lang, "/404.html", ""))
    yield Job("sitemap.xml", "/sitemap.xml", "sitemap", "sitemap.xml")
    yield Job("robots.txt", "/robots.txt", "robots", "robots.txt")
    yield Job("_headers", "/_headers", "headers")


def generated(site: Site, kind: str, lang: str, url: str, title: str) -> Card:
    """The card of a page that nobody wrote. An empty title is given by the theme's words when it is rendered."""
    return Card.bare(kind, lang, site.config.base_path + url, title)


def _collision(site: Site, first: Job, second: Job, message: str) -> Problem:
    """Two sources for one address. It is told at the key that asked for it: a redirect's is `aliases`."""
    blamed = second if second.subject else first
    entry = site.entries.get(blamed.subject)
    if entry is None:
        where = f"content/{blamed.subject}" if blamed.subject else ""
        return problem("url-collision", where, message, hint="give one of them another name")
    redirect = blamed.kind == "redirect"
    places = [entry.page.places.get(key) for key in (("aliases",) if redirect else ("url", "slug"))]
    line, column = next(filter(None, places), (1, 1))
    hint = "take the alias away" if redirect else "give one of them another slug or url"
    where = f"content/{blamed.subject}"
    return problem("url-collision", where, message, line=line, column=column, hint=hint)


# What file systems take for one name, and what is safe for a whole path below some folder.
_NAME_BYTES = 255
_PATH_BYTES = 1024
_CHARACTER_BYTES = 4  # at most, in UTF-8


# The front matter keys that may have made an address, by the kind of its job.
_NAMING = {"page": ("url", "slug"), "list": ("tags", "category", "series"), "redirect": ("aliases",)}


def _first_on(site: Site, job: Job) -> str:
    """The newest article on the list that a job shows, or ""."""
    paths = site.lists.get(f"{job.card.lang}/{job.params[0]}", ()) if job.kind == "list" and job.card else ()
    return paths[0] if paths else ""


def _too_long(site: Site, jobs: dict[str, Job]) -> Iterator[tuple[str, Problem]]:
    """Addresses that no file can answer for. They must be found now: a commit that has begun cannot be taken back."""
    for output, job in jobs.items():
        if len(output) * _CHARACTER_BYTES <= _NAME_BYTES:
            continue
        size = max(len(name.encode("utf-8", "replace")) for name in output.split("/"))
        if size > _NAME_BYTES or len(output.encode("utf-8", "replace")) > _PATH_BYTES:
            subject = job.subject or _first_on(site, job)
            entry = site.entries.get(subject)
            places = [entry.page.places.get(key) for key in _NAMING.get(job.kind, ())] if entry else []
            line, column = next(filter(None, places), (1, 1) if entry else (0, 0))
            where = f"content/{subject}" if subject else ""
            message = f"the address '{decoded(job.url)[:60]}…' is too long for the name of a file"
            hint = "give it a shorter name or slug"
            yield output, problem("unsafe-url", where, message, line=line, column=column, hint=hint)


def _file_in_the_way(site: Site, jobs: dict[str, Job], names: dict[str, str]) -> Iterator[tuple[str, Problem]]:
    """(output, problem) of those that cannot be, because a folder around them is a file."""
    if not any(folder.casefold() in names for folder in _folders(jobs)):
        return
    for output, job in jobs.items():
        folder = output.rpartition("/")[0]
        while folder:
            taken = names.get(folder.casefold())
            if taken:
                message = f"{jobs[taken].origin} would be a file where {job.origin} needs a folder"
                yield output, _collision(site, jobs[taken], job, message)
            folder = folder.rpartition("/")[0]


def _folders(outputs: Iterable[str]) -> set[str]:
    """All folders around some output paths."""
    found: set[str] = set()
    for output in outputs:
        folder = output.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
