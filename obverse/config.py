"""Settings: the text of `obverse.toml` -> one frozen `Config`, and every problem in it. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from obverse.problems import ALWAYS, CODES, Level, Problem, nearest
from obverse.schema import Document, Entry, Field, Node, Table, is_web_address, read, read_toml

PATH = "obverse.toml"


@dataclass(frozen=True, slots=True)
class Site:
    """`[site]`: what the site is called and where it lives. `url` has no slash at its end."""

    title: str = ""
    description: str = ""
    tagline: str = ""
    url: str = ""
    language: str = "en"
    languages: tuple[str, ...] = ()
    timezone: str = "UTC"
    author: str = ""


@dataclass(frozen=True, slots=True)
class Articles:
    """`[articles]`: which folders are dated sections, and how many articles a list page and a feed hold."""

    sections: tuple[str, ...] = ("articles",)
    per_page: int = 10
    feed_items: int = 20


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One item of a menu: a page by its content path, or a URL; `label` may be "" for a page (its title then)."""

    label: str = ""
    page: str = ""
    url: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Markdown:
    """`[markdown]`: how bodies are read."""

    engine: str = "markdown"


@dataclass(frozen=True, slots=True)
class Taxonomies:
    """`[taxonomies]`: the folder of each taxonomy's pages in the site's URLs."""

    tags: str = "tags"
    categories: str = "categories"
    series: str = "series"


@dataclass(frozen=True, slots=True)
class Serve:
    """`[serve]`: where the preview listens."""

    port: int = 8000
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Capture:
    """`[capture]`: where forms are sent to and who is told. `sender` is written `from` in the settings."""

    origin: str = ""
    sender: str = ""
    notify: tuple[str, ...] = ()
    webhook: str = ""
    chat: str = ""
    inside: tuple[str, ...] = ()
    contact: str = ""
    currency: str = "EUR"
    proxies: int = 0
    rate: int = 30
    rate_form: int = 300
    rate_recipient: int = 600
    proofs: int = 10
    uploads: int = 2000
    dkim: str = ""
    backups: int = 7
    hold: tuple[str, ...] = ()
    canary: tuple[str, ...] = ()
    canary_form: str = ""
    canary_webhook: str = ""
    keep_held: int = 0
    keep_won: int = 0
    keep_lost: int = 0
    keep_networks: int = 30
    keep_drafts: bool = False
    keep_audit: int = 0


@dataclass(frozen=True, slots=True)
class Reporting:
    """`[report]`: where the writer's bar has its numbers from, when not from this machine."""

    source: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a site. Mappings are plain dicts that nobody changes."""

    site: Site = field(default_factory=Site)
    articles: Articles = field(default_factory=Articles)
    menus: Mapping[str, tuple[MenuItem, ...]] = field(default_factory=dict)
    markdown: Markdown = field(default_factory=Markdown)
    taxonomies: Taxonomies = field(default_factory=Taxonomies)
    checks: Mapping[str, Level] = field(default_factory=dict)
    theme: Mapping[str, Any] = field(default_factory=dict)
    serve: Serve = field(default_factory=Serve)
    capture: Capture = field(default_factory=Capture)
    report: Reporting = field(default_factory=Reporting)

    @property
    def for_capture(self) -> dict[str, Any]:
        """What capture is told of the settings, as JSON can hold it: the fields of its own `Settings`."""
        site, capture = self.site, self.capture
        return {
            "title": site.title,
            "url": site.url,
            "base_path": self.base_path,
            "language": site.language,
            "languages": list(site.languages),
            "timezone": site.timezone,
            "currency": capture.currency,
            "sender": capture.sender,
            "notify": list(capture.notify),
            "webhook": capture.webhook,
            "chat": capture.chat,
            "inside": list(capture.inside),
            "origin": capture.origin,
            "contact": capture.contact,
            "rate": capture.rate,
            "rate_form": capture.rate_form,
            "rate_recipient": capture.rate_recipient,
            "proofs": capture.proofs,
            "uploads": capture.uploads,
            "hold": list(capture.hold),
            "canary": list(capture.canary),
            "canary_form": capture.canary_form,
            "canary_webhook": capture.canary_webhook,
        }

    @property
    def capture_url(self) -> str:
        """Where forms are sent: the URL before `/_ob/f/NAME`, a path when the endpoint is on the site's own host."""
        return self.capture.origin + self.base_path

    @property
    def base_path(self) -> str:
        """The path that every URL of the site begins with: "" for a site at the top of its host, "/blog" else."""
        return urlsplit(self.site.url).path

    def with_base_url(self, url: str) -> Config:
        """The same site at another address. Raises ValueError when `url` is not an absolute http(s) address."""
        if complaint := _base_url(url):
            raise ValueError(f"the address of a site {complaint}, not '{url}'")
        return replace(self, site=replace(self.site, url=url.rstrip("/")))

    def with_local_capture(self) -> Config:
        """The same site with its endpoint on its own host, as in a preview."""
        return replace(self, capture=replace(self.capture, origin=""))


def _base_url(url: str) -> str:
    if not is_web_address(url):
        return "must be a web address that begins with https:// or http://"
    parts = urlsplit(url)
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return "must end with the host or a path"
    if parts.username or parts.password:
        return "must not hold a user name"
    if not _has_plain_host(url):
        return "must have a host of letters, digits, dots and hyphens"
    return "must not hold '..' or '//' in its path" if re.search(r"//|/\.{1,2}(/|$)", parts.path.rstrip("/")) else ""


def _has_plain_host(url: str) -> bool:
    """Whether nothing in the host could begin something else in a header that it stands in."""
    return re.fullmatch(r"[\w.:-]+", urlsplit(url).hostname or "") is not None


def _origin(url: str) -> str:
    parts = urlsplit(url) if is_web_address(url) else None
    good = (
        parts
        and _has_plain_host(url)
        and not parts.path.rstrip("/")
        and not parts.query
        and not parts.fragment
        and not parts.username
    )
    return "" if good else "must be scheme and host alone, such as https://forms.example.com"


def _https(url: str) -> str:
    if "@" in url.partition("//")[2].partition("/")[0]:
        return "must not hold a user name"
    local = is_web_address(url) and urlsplit(url).hostname in ("127.0.0.1", "localhost")
    return "" if url.startswith("https://") or local else "must begin with https://"


def _chat(name: str) -> str:
    return "must be what you call the chat: its address belongs in var/secrets.toml" if "://" in name else ""


def _timezone(name: str) -> str:
    if name in ("UTC", ""):
        return ""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        like = nearest(name, available_timezones())
        return "must be a time zone such as Europe/Berlin" + (f" ({like})" if like else "")
    return ""


def _engine(name: str) -> str:
    """Whether an engine's library is here: the engines other than the default one are extras."""
    if name != "commonmark":
        return ""
    from importlib.util import find_spec

    wanted = "must be 'markdown' until the other is installed (pip install 'obverse[commonmark]')"
    return "" if find_spec("comrak") else wanted


def _folder(name: str) -> str:
    bad = not name or name.startswith((".", "_", "/")) or name.endswith("/") or re.search(r"//|/\.|[\\?#%:\s]", name)
    return "must be the name of a folder" if bad else ""


def _menu_item(item: dict[str, Any]) -> str:
    if bool(item["page"]) == bool(item["url"]):
        return "must name either a page or a url"
    if item["url"] and not item["label"]:
        return "must have a label, since it names a url"
    return _menu_url(item["url"]) if item["url"] else ""


def _menu_url(url: str) -> str:
    good = is_web_address(url) or re.match(r"/(?!/)|#|mailto:|tel:", url)
    return "" if good else "must name a url that begins with /, https:// or mailto:"


_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"

_MENU_ITEM = Field(
    "object",
    fields={
        "page": Field(help="The content path of a page, such as about.md."),
        "url": Field(help="An address, for what is not a page under content/."),
        "label": Field(help="The words of the link; a page's own title when it is missing."),
    },
    placed=True,
    check=_menu_item,
)


def _days(default: int, help: str) -> Field:
    return Field("number", default=default, whole=True, min=0, max=36500, help=help)


def _rate(default: int, what: str, more: str = "") -> Field:
    told = f"How many posts {what} in ten minutes; each one more needs a proof of work.{more}"
    return Field("number", default=default, whole=True, min=1, help=told)


# Every key of obverse.toml. The manual and the JSON Schema are made from this table.
CONFIG_FIELDS: dict[str, Field] = {
    "site": Field(
        "object",
        required=True,
        help="What the site is called and where it lives.",
        fields={
            "title": Field(required=True, help="The name of the site, shown in its header and in every page's title."),
            "description": Field(help="One or two sentences for search engines and for the home page."),
            "tagline": Field(help="A few words that follow the title on the home page."),
            "url": Field(
                "url",
                check=_base_url,
                help="The public address of the site, with its path if it has one: https://example.com/blog.",
            ),
            "language": Field(default="en", pattern=_LANGUAGE, help="The language the site is written in, such as en."),
            "languages": Field(
                "list",
                of=Field(pattern=_LANGUAGE),
                help='Further languages: with ["de"], pricing.de.md is the German pricing.md.',
            ),
            "timezone": Field(
                default="UTC", check=_timezone, help="The zone of dates written without one, such as Europe/Berlin."
            ),
            "author": Field(help="Who speaks on pages that name no author."),
        },
    ),
    "articles": Field(
        "object",
        help="The dated sections.",
        fields={
            "sections": Field(
                "list",
                of=Field(check=_folder),
                default=("articles",),
                help="The folders under content/ whose pages are articles: dated, listed newest first, in the feeds.",
            ),
            "per_page": Field("number", default=10, whole=True, min=1, max=1000, help="Articles on one list page."),
            "feed_items": Field("number", default=20, whole=True, min=1, max=1000, help="Articles in a feed."),
        },
    ),
    "menus": Field(
        "object", of=Field("list", of=_MENU_ITEM), help="Menus by name, each a list of {page, label} or {url, label}."
    ),
    "markdown": Field(
        "object",
        help="How Markdown is read.",
        fields={
            "engine": Field(
                "choice",
                default="markdown",
                options=("markdown", "commonmark"),
                check=_engine,
                help="The Markdown engine: markdown knows most, commonmark is ten times as fast.",
            )
        },
    ),
    "taxonomies": Field(
        "object",
        help="The folder names of the taxonomies in URLs.",
        fields={
            "tags": Field(default="tags", check=_folder, help="The folder of the tag pages."),
            "categories": Field(default="categories", check=_folder, help="The folder of the category pages."),
            "series": Field(default="series", check=_folder, help="The folder of the series pages."),
        },
    ),
    "checks": Field(
        "object",
        of=Field("choice", options=tuple(str(level) for level in Level), help="Write error, warning or off."),
        help="How bad each kind of problem is: its code, and error, warning or off.",
    ),
    "theme": Field("object", help="Values of your own for the templates, there as site.theme."),
    "serve": Field(
        "object",
        help="The preview.",
        fields={
            "port": Field("number", default=8000, whole=True, min=1, max=65535, help="The port it listens on."),
            "host": Field(default="127.0.0.1", pattern=r"[A-Za-z0-9.:_-]+", help="The address it listens on."),
        },
    ),
    "capture": Field(
        "object",
        help="The forms' endpoint: where it is, and who is told of an inquiry.",
        fields={
            "origin": Field(
                "url", check=_origin, help="Scheme and host of the endpoint, when it is not on the site's own host."
            ),
            "from": Field("email", help="The address that mail is sent from, of a domain of your own."),
            "notify": Field(
                "list", of=Field("email"), help="Who is told of an inquiry by a form that names nobody under notify."
            ),
            "webhook": Field(
                "url", check=_https, help="An address that is told of every inquiry, and of confirmed consents, signed."
            ),
            "inside": Field(
                "list",
                of=Field(pattern=r"[a-z0-9.:_-]+"),
                help="Hosts of the webhook that may be in a network of your own, such as crm.internal.",
            ),
            "chat": Field(
                max=60,
                check=_chat,
                help="What you call the chat that is told of every inquiry; its address is a secret.",
            ),
            "contact": Field(help="Another way to reach you, shown when a form cannot be taken: a number, an address."),
            "currency": Field(default="EUR", pattern="[A-Z]{3}", help="The currency of won inquiries, such as EUR."),
            "proxies": Field(
                "number", default=0, whole=True, min=0, max=9, help="How many proxies stand before `obverse run`."
            ),
            "rate": _rate(30, "one network may send to one form"),
            "rate_form": _rate(300, "all networks together may send to one form", " Never fewer than `rate`."),
            "rate_recipient": _rate(600, "may come by all forms that tell one address", " Never fewer than `rate`."),
            "proofs": Field(
                "number",
                default=10,
                whole=True,
                min=1,
                max=1000,
                help="At how many times these rates nothing more is taken; 1 asks for no proof of work before that.",
            ),
            "uploads": Field(
                "number",
                default=2000,
                whole=True,
                min=0,
                help="How many megabytes the files that came with one form may take; 0 sets no limit.",
            ),
            "backups": Field(
                "number",
                default=7,
                whole=True,
                min=0,
                max=3650,
                help="For how many days `obverse run` keeps one backup each in var/backups; 0 makes none.",
            ),
            "dkim": Field(
                pattern=r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
                help="The selector that your mail server signs with, for `obverse doctor` to look for its key.",
            ),
            "hold": Field(
                "list", of=Field(), help="Words, or domains of e-mail such as @bad.example, that hold what has them."
            ),
            "canary": Field(
                "list",
                of=Field("email"),
                help="Mailboxes for the test that `obverse run` sends each hour.",
            ),
            "canary_form": Field(help="The form that the test goes through; the first that asks for nothing special."),
            "canary_webhook": Field("url", check=_https, help="An address that is told of each test, signed."),
            "keep_held": _days(0, "For how many days what is held is kept after its last change; 0 keeps it for ever."),
            "keep_won": _days(0, "For how many days won inquiries are kept after their last change; 0 for ever."),
            "keep_lost": _days(0, "For how many days lost inquiries are kept after their last change; 0 for ever."),
            "keep_networks": _days(30, "For how many days the truncated address of a post is kept; 0 for ever."),
            "keep_drafts": Field(
                "boolean",
                default=False,
                help="Whether a visitor's browser keeps what is typed into a form, in its tab, until it is sent.",
            ),
            "keep_audit": _days(0, "For how many days a row of the audit log is kept; 0 for ever."),
        },
    ),
    "report": Field(
        "object",
        help="The writer's bar.",
        fields={
            "source": Field(
                "url", check=_https, help="The address of the live site, for its numbers in the preview's bar."
            )
        },
    ),
}


def load(text: str, path: str = PATH) -> tuple[Config, tuple[Problem, ...]]:
    """The settings of a site and all that is wrong with them; what is wrong has its default."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    document = Document.of(path, text)
    node, problems = read_toml(text, document, "config-syntax")
    if node is None:
        return Config(), problems
    kept, secrets = _without_secrets(node, document)
    values, problems = read(CONFIG_FIELDS, kept, document)
    problems = (*secrets, *problems, *_unknown_checks(kept, document))
    return _config(values), tuple(sorted(problems, key=lambda one: one.sort_key))


def _config(values: Mapping[str, Any]) -> Config:
    site = values["site"] or {}
    return Config(
        site=replace(Site(**site), url=site.get("url", "").rstrip("/")),
        articles=Articles(**values["articles"]),
        menus={name: tuple(MenuItem(**item) for item in items) for name, items in values["menus"].items()},
        markdown=Markdown(**values["markdown"]),
        taxonomies=Taxonomies(**values["taxonomies"]),
        checks={code: Level(level) for code, level in values["checks"].items() if code in _SETTABLE and level},
        theme=dict(values["theme"]),
        serve=Serve(**values["serve"]),
        capture=_capture(values["capture"]),
        report=Reporting(**values["report"]),
    )


def _capture(values: Mapping[str, Any]) -> Capture:
    given = {"sender" if key == "from" else key: value for key, value in values.items()}
    return Capture(**{**given, "origin": given.get("origin", "").rstrip("/")})


_SETTABLE = frozenset(CODES) - ALWAYS


def _unknown_checks(root: Node, document: Document) -> Iterator[Problem]:
    table = root.value.get("checks") if isinstance(root.value, Table) else None
    for entry in table.value.entries if table and isinstance(table.value, Table) else ():
        if entry.key in ALWAYS:
            message = f"'{entry.key}' is always an error"
            yield document.problem("bad-value", message, entry.line, entry.column, "delete this line")
        elif entry.key not in CODES:
            like = nearest(entry.key, CODES)
            message = f"unknown check '{entry.key}' in [checks]" + (f"; {like}" if like else "")
            yield document.problem("unknown-key", message, entry.line, entry.column)


_SECRET_WORD = re.compile(r"apikey|credentials?|dsn|passphrase|passwd|passwords?|pwd|secrets?|smtp|token")
_SECRET_PAIRS = frozenset({("api", "key"), ("private", "key"), ("access", "key"), ("database", "url")})
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


# Addresses at which whoever knows them may write into a chat: Slack's, Mattermost's and Rocket.Chat's, Discord's.
_ROOM = re.compile(r"https?://\S+/(services|hooks|api/webhooks)/")


def _is_secret(entry: Entry) -> bool:
    if entry.key == "chat" and isinstance(entry.node.value, str) and _ROOM.match(entry.node.value):
        return True
    words = [word.lower() for word in _WORDS.findall(entry.key)]
    return any(map(_SECRET_WORD.fullmatch, words)) or any(pair in _SECRET_PAIRS for pair in pairwise(words))


def _without_secrets(node: Node, document: Document) -> tuple[Node, tuple[Problem, ...]]:
    """The settings without keys that look like secrets, and a problem for each of them."""
    if isinstance(node.value, tuple):
        items = [_without_secrets(item, document) for item in node.value]
        problems = tuple(one for _, found in items for one in found)
        return replace(node, value=tuple(item for item, _ in items)), problems
    if not isinstance(node.value, Table):
        return node, ()
    found = [_secret(entry, document) for entry in node.value.entries if _is_secret(entry)]
    entries = []
    for entry in node.value.entries:
        if not _is_secret(entry):
            # The keys of [checks] are codes, which may well speak of secrets.
            inner, more = (entry.node, ()) if entry.key == "checks" else _without_secrets(entry.node, document)
            found.extend(more)
            entries.append(replace(entry, node=inner))
    return replace(node, value=Table(tuple(entries))), tuple(found)


def _secret(entry: Entry, document: Document) -> Problem:
    name = re.sub(r"[^A-Z0-9]+", "_", entry.key.upper())
    hint = f"set OBVERSE_{name} in the environment or write it into var/secrets.toml"
    # The excerpt would print the secret into logs and overlays: its place is told, not shown.
    hidden = Document(document.path)
    message = f"'{entry.key}' looks like a secret; settings are public"
    return hidden.problem("secret", message, entry.line, entry.column, hint)
