"""What the cases of files do: a house whose form takes some, a visitor who sends them, and what is then on the disk."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from capture.access import sessions
from capture.app import create_app
from capture.house import House, open_house
from capture.model import Attachment
from capture.setup import Secrets, Settings, Setup
from capture.store import inquiries, people
from capture.store.inquiries import Query
from capture.store.records import Inquiry
from obverse.forms.form import Form, FormField
from tests.capture.house import CONTACT, KEY, SETTINGS, Clock, Tokens, write_release

JOB = "/_ob/f/job"
LIMIT = 100 * 1024  # bytes: what the test client holds in memory
ANSWERS = {"name": "Ann Example", "email": "ann@example.org"}
CV = FormField("cv", "file", label="CV", required=True, accept=("pdf", "docx"), max_size=LIMIT, max_files=2)
PHOTO = FormField("photo", "file", label="Photo", accept=("png", "jpeg"), max_size=LIMIT, max_files=1)
NOTES = FormField("notes", "file", label="Notes", accept=("txt", "csv"), max_size=LIMIT, max_files=1)
FORM = Form(
    name="job",
    lang="en",
    title="Work with us",
    submit="Send",
    fields=(*CONTACT.fields[:2], CV, PHOTO, NOTES),
    notify=("people@house.test",),
    thanks=("<p>Thank you.</p>",),
)


# The application of each house: to make one takes as long as to answer a post.
_APPS: dict[int, Flask] = {}


@contextmanager
def taking(folder: Path, url: str = "", *forms: Form, settings: Settings = SETTINGS) -> Iterator[House]:
    """A house with the contact form, which takes no files, and others; the form for jobs when none is named."""
    release = write_release(folder / "release", forms=(CONTACT, *(forms or (FORM,))), settings=settings)
    setup = Setup(folder / "var", "https://site.test", Secrets(key=KEY, database=url), release)
    house = open_house(setup, Clock(), Tokens())
    _APPS[id(house)] = create_app(house)
    try:
        yield house
    finally:
        del _APPS[id(house)]
        house.database.close()


def named(data: bytes, name: str, media: str = "application/pdf") -> tuple[io.BytesIO, str, str]:
    """A file as a browser sends it."""
    return io.BytesIO(data), name, media


def send(house: House, *, to: str = JOB, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
    """Send the form, its files under the names of their fields."""
    return visitor(house).post(to, data={**ANSWERS, **more}, headers=headers, content_type="multipart/form-data")


def visitor(house: House) -> FlaskClient:
    """A browser without scripts."""
    return (_APPS.get(id(house)) or create_app(house)).test_client()


def staff(house: House) -> FlaskClient:
    """A browser of somebody of the house, who is in already: passwords are slow on purpose."""
    ann = "a" * 32
    with house.database.write() as connection:
        if not people.people(connection):
            people.add_person(connection, ann, "ann@house.test", "Ann", "", house.now())
        secret = sessions.begin(connection, ann, house.now(), house.token)
    browser = visitor(house)
    browser.set_cookie(sessions.cookie_name(house.setup), secret)
    return browser


def told(house: House, **more: Any) -> TestResponse:
    """The same, answered as a program is."""
    return send(house, headers={"Accept": "application/json"}, **more)


def on_disk(house: House) -> dict[str, bytes]:
    """All there is in the folder of uploads."""
    found = house.uploads.rglob("*") if house.uploads.is_dir() else ()
    return {path.relative_to(house.uploads).as_posix(): path.read_bytes() for path in found if path.is_file()}


def everything(house: House) -> list[Inquiry]:
    """All inquiries, the newest first."""
    with house.database.read() as connection:
        rows = inquiries.listing(connection, Query(view="all", sort="newest")).rows
        held = inquiries.listing(connection, Query(view="held", sort="newest")).rows
        ids = dict.fromkeys(one.id for one in (*rows, *held))
        return [found for one in ids if (found := inquiries.detail(connection, one))]


def attached(house: House) -> list[Attachment]:
    """The files that rows name."""
    return [one for found in everything(house) for sent in found.submissions for one in sent.attachments]


def narrower(**fields: Any) -> Form:
    """The form for jobs with another field for the CV."""
    return replace(FORM, fields=tuple(replace(one, **fields) if one.name == "cv" else one for one in FORM.fields))


def multipart(texts: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[str, bytes]:
    """The type and the body of a post as a browser makes it."""
    parts = [(f'name="{name}"', text.encode()) for name, text in texts.items()]
    parts += [(f'name="{field}"; filename="{name}"', data) for field, (name, data) in files.items()]
    body = b"".join(b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (h.encode(), d) for h, d in parts)
    return "multipart/form-data; boundary=b", body + b"--b--\r\n"
