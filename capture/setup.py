"""What one capture process is given: where its data lie, what it must not tell, and what the site says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from obverse.config import PATH, Config, load
from obverse.problems import Problem, errors, problem

# The data folder, beside `obverse.toml`.
VAR = "var"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What never stands in `obverse.toml`: from `OBVERSE_*` or `secrets.toml`. Its repr shows nothing.

    `key` is the random key of receipts (32 bytes in hexadecimal), made on the first start and shared by all processes
    of a site. `smtp` is the mail server as `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`; `database` an
    SQLAlchemy URL, "" for SQLite in the data folder; `webhook` the signing secrets (`whsec_…`, and an old one as
    `whsec_…@2026-12-31`); `report` the token that lets others read the aggregate report; `chat` the address of a chat's
    incoming webhook, where whoever knows it may write.
    """

    key: str = field(default="", repr=False)
    smtp: str = field(default="", repr=False)
    database: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    report: str = field(default="", repr=False)
    chat: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Setup:
    """One capture process.

    `folder` is `var/` (in a preview `var/preview/`): the database, `releases/`, `spool/` and `secrets.toml` live in it.
    `release` is the folder that builds write their release to, None where releases are pushed from another host.
    `preview` is true in `obverse serve`: mail is shown instead of sent, and a link logs in.
    `address` is the absolute URL under which `/_ob/` and `/inbox/` are reached, without a slash at its end; `base_path`
    its path ("" or "/blog"). `proxies` is how many proxies in front are trusted to name the visitor's address.
    A preview's bar also tells what is so at the live site: `report_source` is that site's address, asked with
    `report_token`; else `live` is its database when that lies on this machine.
    """

    folder: Path
    address: str
    secrets: Secrets = Secrets()
    release: Path | None = None
    preview: bool = False
    base_path: str = ""
    proxies: int = 0
    report_source: str = ""
    report_token: str = field(default="", repr=False)
    live: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`[capture]` of the site's settings and what it is called, as the release brings them (`site.json`).

    `sender` is the From of every mail; `notify` who is told of inquiries whose form names nobody; `webhook` the URL
    told of every inquiry and of consents, `inside` the hosts it may have in a network of our own; `chat` what the chat
    is called that is told of inquiries, whose URL is a secret; `origin` the scheme and host of the endpoint, if it is
    not the site's own; `contact` another way to reach the house, shown when a form cannot be taken; `uploads` how many
    megabytes the files of one form may take, 0 for no limit; `hold` words, and domains of e-mail addresses after an
    `@`, that hold whatever has them. `canary` are the mailboxes, and `canary_webhook` the URL, that hourly tests go to;
    `canary_form` is the form they are sent to.

    `rate` is how many posts a network may send to one form in ten minutes, `rate_form` all together to one form,
    `rate_recipient` to all forms that tell one address; past these each needs a proof of work, and at `proofs` times of
    them nothing more is taken.
    """

    title: str = ""
    url: str = ""
    base_path: str = ""
    language: str = "en"
    languages: tuple[str, ...] = ()
    timezone: str = "UTC"
    currency: str = "EUR"
    sender: str = ""
    notify: tuple[str, ...] = ()
    webhook: str = ""
    chat: str = ""
    inside: tuple[str, ...] = ()
    origin: str = ""
    contact: str = ""
    rate: int = 30
    rate_form: int = 300
    rate_recipient: int = 600
    proofs: int = 10
    uploads: int = 2000
    hold: tuple[str, ...] = ()
    canary: tuple[str, ...] = ()
    canary_form: str = ""
    canary_webhook: str = ""

    @property
    def address(self) -> str:
        """The absolute URL of the endpoint and the inbox, without a slash at its end; "" when no URL is set."""
        return (self.origin + self.base_path if self.origin else self.url).rstrip("/")

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Settings:
        """The settings of a release's `site.json`; what a newer build may have added is left out."""
        known: dict[str, Any] = {name: plain[name] for name in cls.__dataclass_fields__ if name in plain}
        many = ("languages", "notify", "hold", "canary", "inside")
        lists: dict[str, Any] = {name: tuple(known[name]) for name in many if name in known}
        return cls(**{**known, **lists})


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page of the release's page table. `id` is what events and submissions name it by."""

    id: str
    url: str
    title: str
    lang: str = "en"
    kind: str = "page"
    section: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    date: str = ""


def configuration(root: Path) -> tuple[Config | None, tuple[Problem, ...]]:
    """The settings of the site at `root`, None when there are none or they cannot be read; and the errors in them."""
    path = root / PATH
    if not path.is_file():
        return None, ()
    try:
        config, found = load(path.read_text(encoding="utf-8-sig"), PATH)
    except (OSError, UnicodeError):
        return None, (problem("unreadable", PATH, "the settings cannot be read"),)
    return config, tuple(errors(found))
