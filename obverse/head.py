"""Head: what a page tells machines about itself: canonical address, Open Graph, JSON-LD, feeds, breadcrumbs."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import NamedTuple

from markupsafe import Markup

from obverse.view import CardView, PageView, SiteView, View

# The picture shared when a page has none of its own, if the site has one.
SHARE_IMAGE = "img/share.png"

# A text as JSON, every character as it is.
_string = encode_basestring

# Pages that answer at any address.
_PLACELESS = ("404", "shell")


class Crumb(NamedTuple):
    """One step of the way from the home page."""

    title: str
    url: str


def crumbs(page: PageView, view: View) -> tuple[Crumb, ...]:
    """The way from the home page to this one, both included."""
    site = SiteView(view)
    way = [Crumb(site.title, site.home)]
    if page.kind in ("home", "shell"):
        return tuple(way)
    way += _between(page, view, site)
    return (*way, Crumb(page.title, page.url))


def _between(page: PageView, view: View, site: SiteView) -> list[Crumb]:
    if page.kind == "author":
        return [Crumb(view.t("title.authors"), f"{site.home}authors/")]
    if page.kind == "term":
        taxonomy = str(view.job.params[0]).partition("=")[0]
        folder = str(view.ask("config", f"taxonomies.{taxonomy}"))
        return [Crumb(view.t(f"title.terms.{taxonomy}"), f"{site.home}{folder}/")]
    steps, folder = [], page.folder
    while folder:
        card = view.ask("section", folder, view.lang)
        if card:
            steps.append(Crumb(card.title, card.url))
        folder = folder.rpartition("/")[0]
    return steps[::-1]


class Head:
    """The contents of `<head>` that follow from the page, each worked out when the template asks for it."""

    __slots__ = ("_canonical", "_image", "_moments", "_page", "_site", "_view", "_way")

    def __init__(self, page: PageView, way: tuple[Crumb, ...], view: View) -> None:
        self._page = page
        self._way = way
        self._view = view
        self._site = SiteView(view)
        self._canonical: str | None = None
        self._image: str | None = None
        self._moments: tuple[str, str] | None = None

    @property
    def title(self) -> str:
        """The document's title: "Page · Site"; for the home page the site's own, with its tagline."""
        site = self._site
        if self._page.kind == "home":
            return f"{site.title}: {site.tagline}" if site.tagline else site.title
        return f"{self._page.title}{self._number()} · {site.title}"

    def _number(self) -> str:
        """Which page of a list this is, so that no two have one title; nothing for its front."""
        job = self._view.job
        number = job.params[1] if job.kind == "list" else 0
        return f" ({self._view.t('pager.number', number=number)})" if number else ""

    @property
    def description(self) -> str:
        """The page's description, or the site's on the home page."""
        return str(self._page.description or (self._site.description if self._page.kind == "home" else ""))

    @property
    def canonical(self) -> str:
        """The page's one absolute address ("" for a page without a place, which has none)."""
        if self._canonical is None:
            nowhere = self._page.kind in _PLACELESS
            self._canonical = "" if nowhere else self._view.absolute(self._page.canonical or self._view.here)
        return self._canonical

    @property
    def robots(self) -> str:
        """What robots are told: "noindex" for pages that search engines should not list, else ""."""
        return "noindex" if self._page.noindex or self._page.kind in _PLACELESS else ""

    @property
    def feeds(self) -> tuple[tuple[str, str, str], ...]:
        """(media type, title, href) of the site's feeds."""
        if not self._view.ask("feeds", self._view.lang):
            return ()
        home, title = self._site.home, self._site.title
        return (
            ("application/atom+xml", title, f"{home}feed.xml"),
            ("application/feed+json", title, f"{home}feed.json"),
        )

    @property
    def alternates(self) -> tuple[tuple[str, str], ...]:
        """(language, absolute URL) of the page in each of its languages; none when there is but one."""
        return tuple((one.lang, self._view.absolute(one.url)) for one in self._view.translations(self._page))

    @property
    def image(self) -> str:
        """The absolute URL of the picture to share, or "".

        It is the page's own, but for a drawn one (SVG), which networks do not show: then the site's, if it has one.
        """
        if self._image is None:
            self._image = self._found_image()
        return self._image

    def _found_image(self) -> str:
        own = str(self._page.image)
        if own and not own.endswith(".svg"):
            return self._view.absolute(own)
        shared = self._view.ask("file", SHARE_IMAGE)
        return self._view.absolute(shared.url if shared else own)

    @property
    def _shows_own_image(self) -> bool:
        return bool(self._page.image) and self.image == self._view.absolute(self._page.image)

    @property
    def _dates(self) -> tuple[str, str]:
        """When the page was published and when it was updated (ISO 8601, "" for never)."""
        if self._moments is None:
            date, updated = self._page.date, self._page.updated
            self._moments = date.isoformat() if date else "", updated.isoformat() if updated else ""
        return self._moments

    @property
    def open_graph(self) -> tuple[tuple[str, str], ...]:
        """(property, content) by the Open Graph protocol (ogp.me), empty ones left out."""
        page = self._page
        if page.kind == "shell":
            return ()
        rows = [
            ("og:type", "article" if page.kind == "article" else "website"),
            ("og:site_name", self._site.title),
            ("og:title", page.title if page.kind != "home" else self._site.title),
            ("og:description", self.description),
            ("og:url", self.canonical),
            ("og:locale", page.lang.replace("-", "_")),
            ("og:image", self.image),
            ("og:image:alt", page.image_alt if self._shows_own_image else ""),
        ]
        if page.kind == "article":
            published, updated = self._dates
            rows += [("article:published_time", published), ("article:modified_time", updated)]
            rows += [("article:tag", term.name) for term in page.tags]
        return tuple(row for row in rows if row[1])

    @property
    def json_ld(self) -> tuple[Markup, ...]:
        """The page as schema.org data: the site on the home page, articles, and breadcrumbs everywhere else."""
        page = self._page
        if page.kind in _PLACELESS:
            return ()
        if page.kind == "home":
            return (_script_safe(self._website()),)
        article = [self._article()] if page.kind == "article" else []
        return tuple([_script_safe(one) for one in (*article, self._breadcrumbs())])

    def _website(self) -> str:
        site = self._site
        return _document(
            "WebSite",
            name=_text(site.title),
            description=_text(site.description),
            url=_text(self.canonical),
            inLanguage=_text(self._page.lang),
            publisher=_organization(site.title, self.canonical),
        )

    def _article(self) -> str:
        page, view = self._page, self._view
        published, updated = self._dates
        return _document(
            "Article",
            headline=_text(page.title),
            description=_text(self.description),
            datePublished=_text(published),
            dateModified=_text(updated or published),
            inLanguage=_text(page.lang),
            mainEntityOfPage=_text(self.canonical),
            image=_text(self.image),
            articleSection=_text(page.category.name) if page.category else "",
            keywords=_list([_string(term.name) for term in page.tags]),
            wordCount=str(page.words),
            author=_list([_person(author, view) for author in page.authors]),
            publisher=_organization(self._site.title, view.absolute(self._site.home)),
        )

    def _breadcrumbs(self) -> str:
        absolute = self._view.absolute
        steps = [
            f'{{"@type":"ListItem","position":{place},"name":{_string(one.title)},"item":{_string(absolute(one.url))}}}'
            for place, one in enumerate(self._way, 1)
        ]
        return _document("BreadcrumbList", itemListElement=_list(steps))


# JSON, written as such: to gather it in dicts, and then to find out what is in them, takes twice the time.


def _document(kind: str, **members: str) -> str:
    """A document of schema.org; each member is JSON already, and left out when it is ""."""
    written = "".join([f',"{name}":{value}' for name, value in members.items() if value])
    return f'{{"@context":"https://schema.org","@type":"{kind}"{written}}}'


def _text(value: str) -> str:
    """A text that is left out when there is none."""
    return _string(value) if value else ""


def _list(items: list[str]) -> str:
    return f"[{','.join(items)}]" if items else ""


def _organization(name: str, url: str) -> str:
    return f'{{"@type":"Organization","name":{_string(name)},"url":{_string(url)}}}'


def _person(author: CardView, view: View) -> str:
    return f'{{"@type":"Person","name":{_string(author.title)},"url":{_string(view.absolute(author.url))}}}'


def _script_safe(text: str) -> Markup:
    """JSON that may stand in a script element: no "<" ends it early (HTML, "restrictions for script elements")."""
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704
