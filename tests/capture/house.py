"""A folder -> a small release (a contact form in two languages, a guide's form, five pages) and a house on it."""

import itertools
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capture.house import House, open_house
from capture.setup import PageRow, Secrets, Settings, Setup
from obverse.forms.form import Form, FormField, Slot

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
KEY = "5e" * 32
THEME = Path(__file__).parents[2] / "templates"

CONTACT = Form(
    name="contact",
    lang="en",
    title="Talk to us",
    submit="Send",
    fields=(
        FormField("name", label="Your name", required=True, max=120, autocomplete="name"),
        FormField("email", type="email", label="E-mail", required=True, max=254, autocomplete="email"),
        FormField(
            "budget",
            type="choice",
            label="Budget",
            options={"small": "under 5k", "middle": "5k to 20k", "large": "over 20k"},
        ),
        FormField("message", label="How can we help?", required=True, rows=6, max=4000),
        FormField("news", type="consent", label="Newsletter", text="I agree to receive one article a month."),
    ),
    notify=("sales@house.test",),
    thanks=("<p>Thank you, ", Slot("name"), ". A person will answer within one working day.</p>"),
)
CONTACT_DE = replace(
    CONTACT,
    lang="de",
    title="Schreiben Sie uns",
    submit="Senden",
    fields=tuple(
        replace(one, label={"name": "Ihr Name", "message": "Wie können wir helfen?"}.get(one.name, one.label))
        for one in CONTACT.fields
    ),
    thanks=("<p>Danke, ", Slot("name"), ".</p>"),
)
GUIDE = Form(
    name="guide",
    lang="en",
    title="Get the guide",
    submit="Send it to me",
    fields=(
        FormField("email", type="email", label="E-mail", required=True, max=254, autocomplete="email"),
        FormField("news", type="consent", label="Newsletter", text="I agree to receive one article a month."),
    ),
    thanks=("<p>The guide is on its way.</p>",),
)
FORMS = (CONTACT, CONTACT_DE, GUIDE)

PAGES = (
    PageRow("articles/two-sides.md", "/articles/two-sides/", "Marketing vs. sales", "en", "article", "articles"),
    PageRow("articles/pricing.md", "/articles/pricing/", "What a price says", "en", "article", "articles"),
    PageRow("contact.md", "/contact/", "Contact", aliases=("/talk/",)),
    PageRow("contact.md#de", "/de/contact/", "Kontakt", "de"),
    PageRow("index.md", "/", "Home", kind="home"),
)
SETTINGS = Settings(
    title="Two Sides",
    url="https://site.test",
    languages=("en", "de"),
    sender="hello@house.test",
    notify=("team@house.test",),
    contact="hello@house.test",
)
SHELL = (
    '<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n<title>%%TITLE%%</title>\n'
    '<link rel="stylesheet" href="/assets/app.css">\n</head>\n<body>\n<header>Two Sides</header>\n'
    '<main id="main">%%MAIN%%</main>\n</body>\n</html>\n'
)


@pytest.fixture
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of capture are not forced to the disk, which a busy machine takes long for."""
    monkeypatch.setattr("capture.files.os.fsync", lambda _: None)


@dataclass
class Clock:
    """A time that only a test moves."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Tokens:
    """Tokens that are never random: 32 hexadecimal digits that count."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self) -> str:
        return f"{next(self.numbers):032x}"


def words(lang: str = "en") -> dict[str, str]:
    """The theme's words; the German ones of these tests are few."""
    catalogue: dict[str, str] = tomllib.loads((THEME / "words" / "en.toml").read_text("utf-8"))
    german = {"capture.thanks.title": "Danke", "form.submit": "Senden"}
    return catalogue if lang == "en" else {**catalogue, **german}


def write_release(
    folder: Path,
    *,
    forms: tuple[Form, ...] = FORMS,
    pages: tuple[PageRow, ...] = PAGES,
    settings: Settings = SETTINGS,
) -> Path:
    """What a build writes."""
    (folder / "forms").mkdir(parents=True, exist_ok=True)
    for old in (folder / "forms").iterdir():
        old.unlink()
    _json(folder / "site.json", asdict(settings))
    _json(folder / "pages.json", [asdict(page) for page in pages])
    for form in forms:
        _json(folder / "forms" / f"{form.name}.{form.lang}.json", form.to_plain())
    for lang in ("en", "de"):
        (folder / f"shell.{lang}.html").write_text(SHELL.replace("{lang}", lang), "utf-8")
        _json(folder / f"words.{lang}.json", words(lang))
    return folder


def make_house(
    folder: Path, url: str = "", *, settings: Settings = SETTINGS, forms: tuple[Form, ...] = FORMS, **setup: Any
) -> House:
    """A house in `folder`, over the database at `url` ("" = SQLite). Close it: `house.database.close()`."""
    release = write_release(folder / "release", settings=settings, forms=forms)
    given = {"address": "https://site.test", "secrets": Secrets(key=KEY, database=url), "release": release, **setup}
    return open_house(Setup(folder=folder / "var", **given), Clock(), Tokens())


@contextmanager
def a_house(folder: Path, url: str = "", **given: Any) -> Iterator[House]:
    """A house that is closed at the end."""
    house = make_house(folder, url, **given)
    try:
        yield house
    finally:
        house.database.close()


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), "utf-8")
