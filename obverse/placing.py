"""Placing: one surveyed page -> its card. What a page's own source and the settings say of its address and kind."""

from __future__ import annotations

import functools
import marshal
import posixpath
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from sys import intern
from typing import Any, NamedTuple

from obverse.addresses import decoded, encoded, folder_of, joined, segment, slug, with_slash
from obverse.config import Config
from obverse.page import Page
from obverse.parse import dated_name
from obverse.problems import Problem, nearest, problem
from obverse.site import Card, Place, Term

# Adults read about 238 words of English prose a minute (Brysbaert 2019, "How many words do we read per minute?").
WORDS_A_MINUTE = 238
EXCERPT_LENGTH = 300
DESCRIPTION_LENGTH = 160
_MORE = " …"

KINDS = ("article", "page")


class Ground(NamedTuple):
    """What placing needs to know of the site: settings, hrefs of files, `Moves.told_ids`, known authors."""

    config: Config
    files: dict[str, str]
    ids: dict[str, str]
    authors: frozenset[str]


class Gist(NamedTuple):
    """What a card tells of a body: its `Facts.title`, `Facts.excerpt` and `Facts.words`."""

    title: str
    excerpt: str
    words: int


def card_of(page: Page, gist: Gist, ground: Ground) -> tuple[Card, tuple[Problem, ...]]:
    """The card of a page, and what is wrong with its names (kind, author, image)."""
    config, matter = ground.config, page.matter
    kind, kind_problems = kind_of(page, config)
    authors, author_problems = _authors(page, ground)
    image, image_problems = _image(page, ground)
    excerpt = _shortened(gist.excerpt, EXCERPT_LENGTH)
    card = Card(
        path=page.path,
        id=ground.ids.get(plain := unlanguaged(page), plain),
        kind=kind,
        name=page.name,
        lang=page.lang,
        url=config.base_path + address(page, kind, config),
        title=matter.title or gist.title or humanised(page.name),
        description=matter.description or _shortened(gist.excerpt, DESCRIPTION_LENGTH),
        standfirst=matter.description,
        excerpt=excerpt,
        date=matter.date,
        updated=matter.updated,
        authors=authors,
        tags=tuple(term(config, page.lang, "tags", name) for name in matter.tags),
        category=term(config, page.lang, "categories", matter.category) if matter.category else None,
        series=term(config, page.lang, "series", matter.series) if matter.series else None,
        section=section_of(page),
        image=image,
        image_alt=matter.image_alt,
        minutes=max(1, round(gist.words / WORDS_A_MINUTE)),
        weight=matter.weight,
        noindex=matter.noindex,
        extra=matter.extra,
    )
    return card, (*kind_problems, *author_problems, *image_problems)


def packed_card(card: Card) -> bytes:
    """A card in bytes that are the same whenever the card is.

    Later versions of the format also write which of the values are one object, which takes longer besides.
    """
    return marshal.dumps(_card_record(card), 2)


def unpacked_card(data: bytes) -> Card:
    """The card again."""
    card = _card_from_record(marshal.loads(data))  # noqa: S302 - from the ledger, which was checked
    card.tell_apart(data)
    return card


def _card_record(card: Card) -> tuple[Any, ...]:
    """A card as plain values that `marshal` can write."""
    values = list(_card_values(card))
    for at in _MOMENTS:
        values[at] = values[at].isoformat() if values[at] else ""
    for at in _TERMS:
        values[at] = _term_record(values[at]) if values[at] else ()
    values[_TAGS] = tuple([_term_record(one) for one in card.tags])
    return tuple(values)


def _term_record(one: Term) -> tuple[str, str, str, str]:
    return one.taxonomy, one.slug, one.name, one.url


def _card_from_record(record: tuple[Any, ...]) -> Card:
    """The card of a record."""
    values = list(record)
    for at in _MOMENTS:
        values[at] = datetime.fromisoformat(values[at]) if values[at] else None
    for at in _TERMS:
        values[at] = _known_term(values[at]) if values[at] else None
    values[_TAGS] = tuple([_known_term(one) for one in values[_TAGS]])
    return Card(*values)


@functools.lru_cache(10_000)
def _known_term(record: tuple[str, str, str, str]) -> Term:
    return Term(*record)


_CARD = tuple(one.name for one in fields(Card) if one.init)
_card_values = attrgetter(*_CARD)
_MOMENTS = tuple(map(_CARD.index, ("date", "updated")))
_TERMS = tuple(map(_CARD.index, ("category", "series")))
_TAGS = _CARD.index("tags")


def place_of(card: Card, page: Page, config: Config) -> Place:
    """Where the page of a card stands in the orders of the site.

    What it has in common with others is interned: the ledger holds it once, and so do those who are told of it.
    """
    terms = tuple([_shared((card.lang, one.taxonomy, one.slug, one.name, one.url)) for one in terms_of(card)])
    return Place(
        path=card.path,
        name=card.name,
        lang=intern(card.lang),
        kind=intern(card.kind),
        section=intern(card.section),
        top=intern(dated_section(card.section, config)),
        url=card.url,
        date=card.date.timestamp() if card.date else None,
        weight=card.weight,
        selectors=tuple(dict.fromkeys([intern(f"{card.lang}/{one}") for one in _selectors(card)])),
        terms=terms,
        aliases=tuple(with_slash(encoded(alias)) for alias in page.matter.aliases),
        template=page.matter.template,
        form=page.matter.form,
        draft=page.matter.draft,
        id=card.id,
        authors=tuple(map(intern, card.authors)),
        title=card.title.casefold(),
        label=card.title,
        noindex=card.noindex,
        dated=card.date.isoformat() if card.date else "",
        changed=card.updated.isoformat() if card.updated else "",
    )


def shared(place: tuple[Any, ...]) -> tuple[Any, ...]:
    """A place that another process made, with what it has in common with others as the same objects."""
    return (*place[:_PLACED_TERMS], tuple(map(_shared, place[_PLACED_TERMS])), *place[_PLACED_TERMS + 1 :])


_PLACED_TERMS = Place._fields.index("terms")


@functools.lru_cache(10_000)
def _shared(term: tuple[str, str, str, str, str]) -> tuple[str, str, str, str, str]:
    """The same texts, one and the same object each time: the ledger then holds them once."""
    lang, taxonomy, name, label, url = map(intern, term)
    return lang, taxonomy, name, label, url


def terms_of(card: Card) -> list[Term]:
    """All terms of a page: tags, then category, then series."""
    return [*card.tags, *([card.category] if card.category else []), *([card.series] if card.series else [])]


def _selectors(card: Card) -> Iterator[str]:
    """The lists an article is on: all articles, its section and those around it, its terms, its authors."""
    if card.kind != "article":
        return
    yield "articles"
    yield f"section={card.section}"
    folder = folder_of(card.section)
    while folder:
        yield f"section={folder}"
        folder = folder_of(folder)
    yield from (f"{one.taxonomy}={one.slug}" for one in terms_of(card))
    yield from (f"authors={path}" for path in card.authors)


def _shortened(text: str, length: int) -> str:
    """The beginning of a text with single blanks, cut as `textwrap` cuts it: between words, and after hyphens."""
    if len(text) <= length:
        return text
    end = text.rfind(" ", 0, length - len(_MORE) + 1)
    if end > 0 and "-" not in text[:length]:  # then words end at blanks alone, and no library need look for them
        return text[:end] + _MORE
    enough = text.find(" ", length + 1)
    import textwrap  # which few texts need

    return textwrap.shorten(text[:enough] if enough > 0 else text, length, placeholder=_MORE)


def kind_of(page: Page, config: Config) -> tuple[str, tuple[Problem, ...]]:
    """What sort of page a path makes: home, section, authors, author, 404, article or page."""
    wanted = page.matter.type
    if wanted and wanted not in KINDS:
        hint = nearest(wanted, KINDS) or "the types are " + ", ".join(KINDS)
        return "page", (_at(page, "type", "unknown-type", f"unknown type '{wanted}'", hint),)
    return wanted or _kind_by_path(page.name, config), ()


_FIXED = {"index": "home", "_index": "home", "404": "404", "authors/_index": "authors"}


def _kind_by_path(name: str, config: Config) -> str:
    if name in _FIXED:
        return _FIXED[name]
    if name.endswith("/_index"):
        return "section"
    if name.startswith("authors/"):
        return "author"
    return "article" if dated_section(folder_of(name), config) else "page"


def dated_section(folder: str, config: Config) -> str:
    """The dated section (as named in `[articles] sections`) that a content folder lies in, or ""."""
    return next((top for top in config.articles.sections if folder == top or folder.startswith(top + "/")), "")


def section_of(page: Page) -> str:
    """The content folder a page belongs to: a bundle and a section belong to the folder around theirs."""
    folder = folder_of(page.name)
    return folder_of(folder) if posixpath.basename(page.name) in {"index", "_index"} else folder


def address(page: Page, kind: str, config: Config) -> str:
    """The site-local URL of a page."""
    prefix = "" if page.lang == config.site.language else f"/{page.lang}"
    if page.matter.url:
        url = encoded(decoded(page.matter.url))
        return with_slash(url if prefix and url.startswith(f"{prefix}/") else prefix + url)
    if kind == "404":
        return prefix + "/404.html"
    folder, _, last = page.name.rpartition("/")
    if last in {"index", "_index"}:
        folder, _, last = folder.rpartition("/")
    stem = encoded(f"/{segment(page.matter.slug or dated_name(last)[1])}") if last else ""
    return f"{prefix}{_folder_address(folder)}{stem}/"


@functools.lru_cache(1_000)
def _folder_address(folder: str) -> str:
    """The part of a URL that a folder of `content/` makes; nothing for the top."""
    return "".join(encoded(f"/{segment(part)}") for part in folder.split("/")) if folder else ""


def term(config: Config, lang: str, taxonomy: str, name: str) -> Term:
    """A term as a page spells it, with the address of its list."""
    prefix = "" if lang == config.site.language else f"/{lang}"
    return _term(taxonomy, name, config.base_path, f"{prefix}/{taxonomy_folder(config, taxonomy)}")


@functools.lru_cache(10_000)
def _term(taxonomy: str, name: str, base: str, folder: str) -> Term:
    return Term(taxonomy, slug(name), name, base + encoded(f"{folder}/{slug(name)}/"))


def taxonomy_folder(config: Config, taxonomy: str) -> str:
    """The URL folder of a taxonomy, from `[taxonomies]`."""
    folder: str = getattr(config.taxonomies, taxonomy)
    return folder


def unlanguaged(page: Page) -> str:
    """The content path without its language: what identifies a page across translations."""
    return page.name + posixpath.splitext(page.path)[1]


def humanised(name: str) -> str:
    """A title made of a name when a page has no other: "talk-to_us" -> "Talk to us"."""
    segments = [part for part in name.split("/") if part not in {"index", "_index"}] or ["home"]
    plain = dated_name(segments[-1])[1].replace("-", " ").replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]


def _authors(page: Page, ground: Ground) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    found, problems = [], []
    for name in page.matter.authors:
        # A name as people write it stands for the file that is named after it.
        path = next((path for path in (f"authors/{name}.md", f"authors/{slug(name)}.md") if path in ground.authors), "")
        if path:
            found.append(path)
        else:
            path = f"authors/{slug(name) or 'name'}.md"
            known = [author[len("authors/") : -len(".md")] for author in ground.authors]
            hint = nearest(name, known) or f"write content/{path}, or take the name out"
            problems.append(_at(page, "authors", "unknown-author", f"unknown author '{name}'", hint))
    return tuple(found), tuple(problems)


def _image(page: Page, ground: Ground) -> tuple[str, tuple[Problem, ...]]:
    wanted = page.matter.image
    if not wanted:
        return "", ()
    if wanted.startswith(("http:", "https:", "//")):
        hint = "save the picture beside the page and name it here"
        return "", (_at(page, "image", "third-party", "a picture on another host", hint),)
    path = joined(folder_of(page.path), decoded(wanted))
    if path is not None and path in ground.files:
        problems = () if page.matter.image_alt else (_no_alt(page),)
        return ground.files[path], problems
    hint = nearest(path or wanted, ground.files) or "name a file beside the page, or one from the top as /img/x.svg"
    return "", (_at(page, "image", "broken-image", f"no such picture: '{wanted}'", hint),)


def _no_alt(page: Page) -> Problem:
    hint = "say in image_alt what it shows"
    return _at(page, "image", "missing-alt", "the picture has no text alternative", hint)


def _at(page: Page, key: str, code: str, message: str, hint: str) -> Problem:
    """A problem at a front matter key."""
    line, column = page.places.get(key, (1, 1))
    return problem(code, f"content/{page.path}", message, line=line, column=column, hint=hint)
