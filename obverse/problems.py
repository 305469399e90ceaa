"""Problems: located messages. Every mistake a person can make becomes one of these, never a traceback.

Anything -> Problem -> one printer (text for people, JSON and SARIF for machines). Standard library only:
the capture side imports this module too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import quote


class Level(StrEnum):
    """How bad a problem is: an error blocks the build, a warning is told and lets it pass."""

    ERROR = "error"
    WARNING = "warning"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of problem: its level unless `[checks]` says otherwise, and one sentence for the manual."""

    level: Level
    meaning: str


def _error(meaning: str) -> Code:
    return Code(Level.ERROR, meaning)


def _warning(meaning: str) -> Code:
    return Code(Level.WARNING, meaning)


# Every code Obverse can report, in the order of the stages. A code that is missing here cannot be raised.
CODES: dict[str, Code] = {
    # the command and the settings
    "no-site": _error("There is no obverse.toml here or in a folder above."),
    "port-taken": _error("The port that `serve` was given, or every port it tries by itself, is in use."),
    "serve-address": _error("The host and port given to `serve` cannot be listened on."),
    "builder-crashed": _error("The builder of a preview failed by itself: a fault in hooks.py or in Obverse."),
    "exists": _error("What `new` would make is there already; it writes over nothing."),
    "not-empty": _error("The folder for a new site has something in it."),
    "no-url": _warning("The settings name no address, so feeds, sitemap and shared links have none to begin with."),
    "config-syntax": _error("obverse.toml or var/secrets.toml is not valid TOML."),
    "secret": _error("A key in obverse.toml looks like a password or a token; settings are public."),
    "secrets-open": _warning("var/secrets.toml may be read or changed by others than who runs Obverse."),
    "run-setting": _error(
        "`run` must be told something first, or was told a placeholder; it never starts with defaults."
    ),
    "run-address": _error("The host and port given to `run` cannot be listened on."),
    "audit-broken": _error("The audit log is not as it was written."),
    "run-database": _error("The database is of a newer Obverse, or cannot be opened at all."),
    "no-house": _error("There is no var/ to back up or to restore: nobody has run this site yet."),
    "in-use": _error("`restore` finds that `obverse run` works with the data it would replace."),
    "backup": _error("A backup cannot be made, or does not hold what it should."),
    "restore-unfinished": _error("A restore was ended in the middle; the data are neither the old nor the new ones."),
    "run-release": _error("`release push` finds no release of a build, or none that can be read."),
    "unknown-inquiry": _error("No inquiry begins with what was given, or more than one does."),
    "unknown-user": _error("Nobody logs in with that address, or `users add` names somebody who does already."),
    # values: settings, front matter, component arguments, forms
    "unknown-key": _error("A key that Obverse does not know, most often a slip of the pen."),
    "missing-key": _error("A key that must be given is missing."),
    "duplicate-key": _error("A key is given twice, so one of its values would be lost."),
    "bad-value": _error("A value is not what its key asks for."),
    # reading
    "unreadable": _error("A file cannot be read: permissions, a broken link, or not UTF-8."),
    "front-matter": _error("The front matter cannot be read: an open or odd fence, no fence, or broken YAML or TOML."),
    "nul": _warning("A file holds NUL characters; they are left out."),
    "unsafe-url": _error("A slug, url or alias leaves the site, or cannot be an address."),
    "file-name": _error("A file name is not valid text, or two files share one name."),
    # bodies
    "markdown": _error("A Markdown extension failed on a body."),
    "component-unknown": _warning("A component is called by a name that none has, though one is like it."),
    "component-arguments": _error("The arguments of a component call are not plain values."),
    "inline-style": _warning("A style attribute was left out: the site's policy allows none."),
    "style-element": _error("A `<style>` in a body does not apply under the site's policy."),
    "inline-script": _error("A script, a handler or a javascript: address in a body does not run."),
    "data-url": _error("A data: address does not load under the site's policy."),
    "third-party": _error("A page would make the visitor's browser contact another host."),
    "frame": _error("A frame or a plug-in does not show under the site's policy."),
    "forbidden-tag": _error("A tag in a body would change the page around it."),
    "srcset": _warning("A hand-written srcset was left out: sizes are made from the picture in src."),
    "control-character": _warning("A body holds characters that no page or feed can carry; they were left out."),
    "bidi-mark": _warning("A direction mark without a partner would turn the text that follows it."),
    "second-h1": _warning("A body holds a level-1 heading that is not its title."),
    "heading-jump": _warning("A heading skips a level."),
    "duplicate-id": _error("Two places of one page have the same id."),
    "missing-alt": _warning("An image has no text for those who cannot see it."),
    "too-deep": _warning("Lists and quotes are nested so deeply that the innermost are read as plain text."),
    # placing pages
    "hook": _error("hooks.py cannot be loaded, or one of its hooks failed or gave back something else."),
    "moves": _error("content/_moves.toml cannot be read."),
    "data": _error("A data file cannot be read, or two of them share one name."),
    "words": _error("A catalogue of words in templates/words/ cannot be read."),
    "unknown-type": _error("The type of a page is none that Obverse knows."),
    "unknown-author": _error("An author is named who has no page in content/authors/."),
    "unknown-page": _error("A menu names a page that is not there."),
    "menu-link": _warning("A menu leads to an address that the site does not have; other software may answer there."),
    "missing-date": _error("An article has no date, neither in its front matter nor in its file's name."),
    "broken-image": _error("A picture is named that is not there."),
    "term-name": _error("No address can be made of a term: it has neither letters nor digits."),
    "term-spelling": _warning("A term is spelled in two ways that share one address."),
    "url-collision": _error("Two sources would be published at one address."),
    # forms
    "form": _error("A file in content/forms/ is no form."),
    "form-slot": _error("A thank-you message asks for a field that its form does not have, or where none can stand."),
    "unknown-form": _error("A form is named that is not in content/forms/."),
    # links
    "broken-link": _error("A link leads to no page, file or address of the site."),
    "broken-anchor": _error("A link names a place that its page does not have."),
    "link-unpublished": _warning("A link leads to a page that is not published now; it works as soon as that is."),
    "link-scheme": _error("A link begins with a scheme that Obverse does not allow."),
    # templates
    "unknown-template": _error("A template is named that is not there."),
    "template-syntax": _error("A template cannot be read by Jinja."),
    "template-undefined": _error("A template uses a name that does not exist."),
    "template-error": _error("A template failed while it was rendered."),
    "component-signature": _error("A component's template declares its arguments in a way that cannot be read."),
    "unknown-asset": _error("An asset is named that is not in templates/assets/."),
    "asset-circle": _error("Style sheets name each other in a circle, so that none can have its final name."),
    "unknown-data": _error("A template asks for data that is not in content/_data/."),
    "unknown-word": _error("A template asks for a word that no catalogue has, or does not fill it."),
    # writing
    "worker": _error("A process that did a part of the work failed, or was ended by the system."),
    "verify": _error("An output differs from what a clean build makes: a fault in Obverse or in an impure hook."),
    "disk": _error("The output cannot be written: no space, no permission, or something in the way."),
}


# What no setting can lower. With one of these let pass, a draft could be published, a secret told, an output missing,
# or a fault of the program itself go unseen.
ALWAYS = frozenset(
    {"bad-value", "config-syntax", "disk", "front-matter", "hook", "secret", "unreadable", "verify", "worker"},
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake at one place.

    `path` is relative to the site's root with forward slashes ("" when there is no file); `line` and `column` count
    from 1, 0 means "not known"; `excerpt` is the source line as written; `hint` is the mend, in the imperative.
    A `spared` one is of a page that is not out: it warns, whatever `[checks]` says of its code.
    """

    code: str
    path: str
    message: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    hint: str = ""
    level: Level = Level.ERROR
    spared: bool = False

    @property
    def place(self) -> str:
        """`path:line:column`, as far as it is known."""
        parts = [self.path or "obverse"]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Problems are told file by file, top to bottom."""
        return (self.path, self.line, self.column, self.code, self.message)


def problem(
    code: str, path: str, message: str, *, line: int = 0, column: int = 0, excerpt: str = "", hint: str = ""
) -> Problem:
    """A problem at its code's own level. Raises KeyError for a code that `CODES` does not know."""
    return Problem(code, path, message, line, column, excerpt, hint, CODES[code].level)


class StoppedError(Exception):
    """The build cannot go on. Carries the problem."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the known name most like `name`, or "" when none is like it."""
    import difflib  # which only a slip needs

    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else ""


def levelled(problems: Iterable[Problem], levels: Mapping[str, Level]) -> tuple[Problem, ...]:
    """The problems at the levels the site's `[checks]` asks for, without those turned off; sorted, each once."""
    placed = (replace(one, level=_level(one, levels)) for one in problems)
    return tuple(sorted({one for one in placed if one.level is not Level.OFF}, key=lambda one: one.sort_key))


def _level(one: Problem, levels: Mapping[str, Level]) -> Level:
    asked = levels.get(one.code, one.level)
    if one.code in ALWAYS:
        return one.level
    return Level.WARNING if one.spared and asked is Level.ERROR else asked


def softened(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The same problems as warnings: what a draft or a page not yet due may do."""
    return tuple(replace(one, level=Level.WARNING, spared=True) for one in problems)


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Only those that block."""
    return tuple(one for one in problems if one.level is Level.ERROR)


def as_text(problems: Iterable[Problem]) -> str:
    """The problems for a terminal: place, level, message, the source line with a caret, and the hint."""
    return "\n".join(_text(one) for one in problems)


def _text(one: Problem) -> str:
    lines = [_printable(f"{one.place} {one.level}: {one.message} [{one.code}]")]
    if one.excerpt:
        margin = f"  {one.line} | "
        shown, caret = _window(one.excerpt, one.column)
        lines.append(margin + shown)
        if one.column:
            lines.append(" " * (len(margin) - 2) + "| " + caret)
    if one.hint:
        lines.append(_printable(f"  hint: {one.hint}"))
    return "\n".join(lines)


def _printable(text: str) -> str:
    """The text without what would move a terminal's cursor or turn its colours: names in a message may hold it."""
    return "".join(char if char.isprintable() else " " for char in text)


def _window(excerpt: str, column: int, width: int = 100) -> tuple[str, str]:
    """A long line cut to a readable window around the column, and the caret line under it. Tabs become spaces."""
    plain = _printable(excerpt)
    start = max(0, column - width // 2) if len(plain) > width else 0
    return plain[start : start + width], " " * (column - 1 - start) + "^"


def tally(problems: Iterable[Problem]) -> str:
    """`2 errors, 1 warning`."""
    counts = {Level.ERROR: 0, Level.WARNING: 0}
    for one in problems:
        counts[one.level] += 1
    return ", ".join(f"{n} {level}{'' if n == 1 else 's'}" for level, n in counts.items() if n) or "no problems"


def as_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """The problems as plain values, one dict each, keys as the fields of `Problem` that are for others."""
    return [{key: value for key, value in asdict(one).items() if key != "spared"} for one in problems]


def as_sarif(problems: Iterable[Problem], version: str) -> str:
    """The problems as one SARIF 2.1.0 log (OASIS standard), which code hosts show beside the line."""
    found = list(problems)
    rules = [
        {"id": code, "shortDescription": {"text": CODES[code].meaning}} for code in sorted({one.code for one in found})
    ]
    driver = {"name": "Obverse", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "results": [_sarif_result(one) for one in found]}
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2) + "\n"


def _sarif_result(one: Problem) -> dict[str, Any]:
    text = f"{one.message} ({one.hint})" if one.hint else one.message
    result: dict[str, Any] = {"ruleId": one.code, "level": str(one.level), "message": {"text": text}}
    if one.path:
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(one.path)}}
        if one.line:
            place["region"] = {"startLine": one.line, **({"startColumn": one.column} if one.column else {})}
        result["locations"] = [{"physicalLocation": place}]
    return result
