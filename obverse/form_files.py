"""Form files: `content/forms/*.md` -> forms in every language they are written in, and what is wrong with them.

The front matter is the definition, read by `obverse.forms`; the body is the thank-you message. A language variant
(`contact.de.md`) changes words only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from obverse.late import Late
from obverse.names import is_markdown
from obverse.problems import Problem, nearest, problem
from obverse.site import Site
from obverse.sources import Source, digest_of

if TYPE_CHECKING:  # reading forms brings much along, and most builds read none
    from obverse.config import Config
    from obverse.forms import Form

FOLDER = "content/forms/"


class FormFile(NamedTuple):
    """A form as one file writes it. `thanks` is the Markdown of its message, which starts on line `thanks_line`."""

    form: Form
    path: str
    thanks: str
    thanks_line: int

    @property
    def public(self) -> Form:
        """The form without what no page shows, so that a change of it touches no page."""
        return replace(self.form, notify=(), thanks=())


Named = tuple[tuple[str, tuple[str, ...]], ...]
"""The names of all forms, in order, each with its languages."""


class Forms(NamedTuple):
    """All forms of a site by name, each with its languages, the site's own first; and every problem in the files.

    `named` are the names alone; `mark` is another text whenever any form could be another one.
    """

    by_name: Mapping[str, tuple[FormFile, ...]]
    problems: tuple[Problem, ...]
    named: Named
    mark: str

    @property
    def record(self) -> tuple[str, Named]:
        """What lets the next build do without reading the files. Problems have to be told again."""
        return ("", ()) if self.problems else (self.mark, self.named)

    def files(self) -> Iterable[FormFile]:
        """Every form in every language."""
        return (one for name in sorted(self.by_name) for one in self.by_name[name])


def forms_of(sources: Iterable[Source], config: Config, rules: str, known: tuple[str, Named]) -> Forms:
    """The forms in the files under `content/forms/`; read when somebody asks, if they are `known` from the last build.

    `rules` are those of reading.
    """
    files = tuple(sources)
    made_of = ([(one.path, one.digest) for one in files], config, rules)
    mark = digest_of(repr(made_of).encode("utf-8", "surrogatepass"))
    if known[0] == mark:
        return Forms(Late(lambda: read_forms(files, config)[0]), (), known[1], mark)
    by_name, problems = read_forms(files, config)
    named = tuple((name, tuple(one.form.lang for one in by_name[name])) for name in sorted(by_name))
    return Forms(by_name, problems, named, mark)


def read_forms(
    sources: Iterable[Source], config: Config
) -> tuple[Mapping[str, tuple[FormFile, ...]], tuple[Problem, ...]]:
    """The forms in some files by name. A file that cannot be read is a problem and no form."""
    from obverse.parse import name_and_language

    forms = _Reading()
    files = []
    for source in sources:
        if not is_markdown(source.path):
            continue
        name, lang = name_and_language(source.path.removeprefix(FOLDER), config)
        if "/" in name:
            hint = "put it into content/forms/ itself"
            forms.problems.append(problem("form", source.path, "a form lies in no folder of its own", hint=hint))
        else:
            files.append((name, lang != config.site.language, lang, source))
    for name, is_variant, lang, source in sorted(files, key=lambda row: row[:3]):
        _add(forms, name, lang, source, is_variant=is_variant)
    return forms.by_name, tuple(forms.problems)


@dataclass(slots=True)
class _Reading:
    """The forms that were read so far, and what is wrong with them."""

    by_name: dict[str, tuple[FormFile, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def _add(forms: _Reading, name: str, lang: str, source: Source, *, is_variant: bool) -> None:
    """Read one file into `forms`; a base file comes before its variants."""
    from obverse.forms.reading import read_form, read_variant
    from obverse.frontmatter import split
    from obverse.parse import decoded_text
    from obverse.schema import Document

    text, unreadable = decoded_text(source.path, Path(source.file).read_bytes())
    front = split(text, source.path)
    forms.problems += (*unreadable, *front.problems)
    known = forms.by_name.get(name, ())
    if front.node is None:
        if not front.problems and not unreadable:
            hint = "its front matter names the fields; the text below it is the thank-you message"
            forms.problems.append(problem("form", source.path, "a form needs front matter", line=1, hint=hint))
        return
    document = Document.of(source.path, text)
    if is_variant and not known:
        hint = f"write {FOLDER}{name}.md first; a language changes only its words"
        forms.problems.append(problem("form", source.path, "a translation of a form that is not there", hint=hint))
        return
    if is_variant:
        form, found = read_variant(known[0].form, lang, front.node, document)
    else:
        form, found = read_form(name, lang, front.node, document)
    forms.problems += found
    if form is not None:
        thanks = front.body if front.body.strip() or not known else known[0].thanks
        line = front.body_line if front.body.strip() or not known else known[0].thanks_line
        path = source.path if front.body.strip() or not known else known[0].path
        forms.by_name[name] = (*known, FormFile(form, path, thanks, line))


def unknown_forms(site: Site, forms: Forms) -> list[Problem]:
    """A problem at every front matter key `form` that names no form."""
    found = []
    known = {name for name, _ in forms.named}
    for path, name in site.asking.items():
        if name not in known:
            line, column = site.entries[path].page.places.get("form", (1, 1))
            hint = nearest(name, known) or f"write content/forms/{name}.md"
            one = problem(
                "unknown-form", f"content/{path}", f"no such form: '{name}'", line=line, column=column, hint=hint
            )
            found.append(one)
    return found
