"""A cookie's secret -> who is logged in. The database knows digests only: reading it lets nobody in."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from capture.audit.chain import Entry
from capture.audit.kinds import HOUSE
from capture.house import House
from capture.setup import Setup
from capture.store import audit, people
from capture.store.people import Person, Session

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=30)

# A session's last use is noted this often: a list that asks every few seconds is not worth a write each time.
_NOTED = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class User:
    """Who is logged in."""

    id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Login:
    """A session that is good now, and whose it is."""

    session: Session
    user: User

    def worth_noting(self, now: datetime) -> bool:
        """Whether this use should be written down."""
        return abs(now - self.session.seen_at) >= _NOTED


def digest(secret: str) -> str:
    """The id of the row that a secret opens."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_secret(token: Callable[[], str]) -> str:
    """256 random bits, as two tokens of 128."""
    return token() + token()


def begin(
    connection: sa.Connection, user: str, now: datetime, token: Callable[[], str], *, agent: str = "", old: str = ""
) -> str:
    """Log somebody in: the secret for their cookie. `old` is the secret their browser had before, which ends."""
    if old:
        people.end_session(connection, digest(old))
    people.sweep(connection, now, now - IDLE)
    secret = new_secret(token)
    people.add_session(connection, Session(digest(secret), user, new_secret(token), now, now, now + LONGEST, agent))
    return secret


def login_of(connection: sa.Connection, secret: str, now: datetime) -> Login | None:
    """Who is logged in by that secret; None when nobody is, or was for too long or too long ago."""
    found = people.session(connection, digest(secret)) if secret else None
    if found is None:
        return None
    session, person = found
    # One that was begun by a clock far ahead would otherwise last until that time has come.
    if now >= session.expires_at or abs(now - session.seen_at) > IDLE:
        return None
    return Login(session, user_of(person))


def user_of(person: Person) -> User:
    """A person as the inbox knows them."""
    return User(person.id, person.email, person.name)


# Cookies.


def cookie_name(setup: Setup, kind: str = "") -> str:
    """The name of a cookie: with `__Host-` where the address is https, so that no neighbour can set it.

    Cookies do not tell ports apart, so an address with a port has it in the name: two previews on one machine would
    log each other out.
    """
    parts = urlsplit(setup.address)
    host = "__Host-" if parts.scheme == "https" else ""
    return "-".join(filter(None, (f"{host}obverse", str(parts.port or ""), kind)))


def device_mark(key: str, person: Person) -> str:
    """What a browser that this person has logged in with keeps. It dies with their password."""
    text = f"device\0{person.id}\0{person.password}".encode()
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


# The order matters: every browser says that it is Safari, and most that they are Chrome.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def agent_family(text: str) -> str:
    """`Firefox, Linux` of a User-Agent header; "" for one that names no browser known here. Nothing of it is kept."""
    browser = next((name for mark, name in _BROWSERS if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    return ", ".join(filter(None, (browser, system))) if browser else ""


# The preview's own user, and links that log in.

DESK = "desk@localhost"


def ensure_desk_user(house: House) -> str:
    """The id of the user that a preview has by itself, and who has no password."""
    with house.ready().write() as connection:
        known = people.person_by_email(connection, DESK)
        if known:
            return known.id
        made = people.add_person(connection, house.token(), DESK, "Desk", "", house.now())
        entry = Entry(house.now(), HOUSE, "user.added", "user", made)
        audit.append(connection, house.setup.secrets.key, entry)
        return made


def make_link(house: House, user: str, minutes: int) -> str:
    """A new link that logs somebody in once: its path, to stand behind `Setup.address`."""
    secret = new_secret(house.token)
    expires = house.now() + timedelta(minutes=minutes)
    with house.ready().write() as connection:
        people.add_link(connection, people.Link(digest(secret), user, expires, None))
    return f"/inbox/enter/{secret}"
