"""The release: what a build tells capture. Forms, the page shell, words and the page table -> files beside the ledger.

Every file is an output like any other: it asks questions, is remembered, and is made again when an answer changes.
`RELEASE` paths keep them out of the site. `capture.release` reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from obverse.form_files import FormFile, Forms
from obverse.jobs import Job
from obverse.options import RELEASE
from obverse.plan import generated
from obverse.problems import Problem, nearest, problem
from obverse.questions import PageRow
from obverse.site import Site
from obverse.view import View

if TYPE_CHECKING:  # most builds make no form anew
    from obverse.forms import Slot

# What a shell holds where capture puts in a title and its own HTML.
TITLE = "%%TITLE%%"
MAIN = "%%MAIN%%"

# The words that capture says, of all the theme's.
WORDS = ("form.", "capture.", "date", "month.")

# Where a field's value stands in a message: {name}, but not within {{ a call }} and not after a backslash.
SLOT = re.compile(r"(?<![{\\])\{([A-Za-z][A-Za-z0-9_-]*)\}(?!\})")

# Private characters that stand for slots while the message is Markdown, one for each that is written.
_FIRST, _MOST = 0x10F500, 0x100
_TOKEN = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + _MOST - 1)}]")
_TAG = re.compile(r"""<[^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*>""")

_BETWEEN, _BROKEN = '}, {"', '},\n {"'

Body = Callable[[FormFile, str, View], str]


def release_jobs(site: Site, forms: Forms) -> dict[str, Job]:
    """The jobs of the release by output path."""
    return {job.output: job for job in _jobs(site, forms)}


def _jobs(site: Site, forms: Forms) -> Iterator[Job]:
    settings = site.config.site
    yield _job("site.json", "site", settings.language)
    yield _job("pages.json", "pages", settings.language)
    for lang in dict.fromkeys((settings.language, *settings.languages)):
        yield _job(f"words.{lang}.json", "words", lang)
        card = generated(site, "shell", lang, "/_ob/", TITLE)
        yield Job(f"{RELEASE}shell.{lang}.html", "/_ob/", "shell", "shell.html", card=card)
    for file in forms.files():
        yield _job(f"forms/{file.form.name}.{file.form.lang}.json", "form", file.form.lang, file.form.name)


def _job(path: str, *params: str) -> Job:
    return Job(RELEASE + path, f"/_ob/{path}", "release", params=params)


def make(job: Job, view: View, body: Body) -> str:
    """The text of one release file. `body` renders the message of a form file, its slots as tokens, to safe HTML."""
    return _as_json(_MAKERS[str(job.params[0])](job, view, body))


def _as_json(value: Any) -> str:
    """A list of rows with one of them a line: of ten thousand pages, nobody reads it any deeper."""
    if isinstance(value, list) and value:
        rows = json.dumps(value, ensure_ascii=False)[1:-1]
        # Written at once, and then broken between rows: within a text, a backslash would stand before the quote.
        return f"[\n {rows.replace(_BETWEEN, _BROKEN)}\n]\n"
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _site(_job: Job, view: View, _body: Body) -> dict[str, Any]:
    return dict(view.ask("config", "for_capture"))


def _words(_job: Job, view: View, _body: Body) -> dict[str, str]:
    return dict(view.ask("words", view.lang, WORDS))


def _pages(_job: Job, view: View, _body: Body) -> list[dict[str, Any]]:
    names = PageRow._fields
    return [dict(zip(names, row, strict=True)) for row in view.ask("page_table")]


def _form(job: Job, view: View, body: Body) -> dict[str, Any]:
    file: FormFile = view.ask("form_file", str(job.params[2]), view.lang)
    text, slots, wrong = _with_tokens(file)
    view.problems.extend(wrong)
    thanks = _cut(body(file, text, view), slots, file, view)
    return replace(file.form, thanks=thanks).to_plain()


_MAKERS: dict[str, Callable[[Job, View, Body], Any]] = {
    "form": _form,
    "pages": _pages,
    "site": _site,
    "words": _words,
}


# The slots of a thank-you message.


def _with_tokens(file: FormFile) -> tuple[str, list[re.Match[str]], list[Problem]]:
    """The message with a token for each slot, the slots in their order, and those that name no field."""
    slots: list[re.Match[str]] = []
    wrong: list[Problem] = []
    names = [one.name for one in file.form.fields if one.type != "heading"]

    def token(found: re.Match[str]) -> str:
        if found[1] not in names:
            hint = nearest(found[1], names) or "the fields are " + ", ".join(names)
            wrong.append(_at(file, found, f"no such field: '{found[1]}'", hint))
            return found[0]
        if len(slots) == _MOST:
            return ""
        slots.append(found)
        return chr(_FIRST + len(slots) - 1)

    return SLOT.sub(token, _TOKEN.sub("", file.thanks)), slots, wrong


def _at(file: FormFile, found: re.Match[str], message: str, hint: str) -> Problem:
    line = file.thanks_line + found.string.count("\n", 0, found.start())
    column = found.start() - found.string.rfind("\n", 0, found.start())
    return problem("form-slot", file.path, message, line=line, column=column, hint=hint)


def _cut(html: str, slots: list[re.Match[str]], file: FormFile, view: View) -> tuple[str | Slot, ...]:
    """The HTML cut at its tokens. One that did not come out as text is told, and none is left."""
    in_text = set(_TOKEN.findall(_TAG.sub("", html)))
    for number, slot in enumerate(slots):
        if chr(_FIRST + number) not in in_text:
            message = f"'{slot[0]}' stands where a value cannot be filled in"
            view.problems.append(_at(file, slot, message, "write it in the text, not in a link, a picture or a tag"))
    clean = _TAG.sub(lambda tag: _TOKEN.sub("", tag[0]), html)
    from obverse.forms import Slot

    parts: list[str | Slot] = []
    start = 0
    for found in _TOKEN.finditer(clean):
        parts += [clean[start : found.start()], Slot(slots[ord(found[0]) - _FIRST][1])]
        start = found.end()
    return tuple(part for part in (*parts, clean[start:]) if part)
