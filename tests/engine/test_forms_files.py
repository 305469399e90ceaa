"""Files in forms: what a form file may say of them, what a page asks for, and what is taken."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from obverse.forms import Form, FormField
from obverse.forms.checking import Checked, check
from obverse.forms.errors import error_text
from obverse.forms.html import form_html
from obverse.forms.json_schema import form_schema
from obverse.forms.kinds import KINDS, MEGABYTE, SentFile, extension, kind_of, read_size, spoken_size
from obverse.forms.reading import read_form, read_variant
from obverse.frontmatter import split
from obverse.problems import Problem
from obverse.schema import Document

ROOT = Path(__file__).parents[2]
WORDS = tomllib.loads((ROOT / "templates/words/en.toml").read_text("utf-8"))
PATH = "content/forms/job.md"
CV = FormField("cv", "file", label="CV", required=True, accept=("pdf", "docx"), max_size=5 * MEGABYTE, max_files=2)
JOB = Form("job", "en", "Work with us", "Send", (FormField("name", label="Name"), CV))


def say(key: str, **values: Any) -> str:
    return WORDS[key].format_map(values)


def read(yaml: str) -> tuple[Form | None, tuple[Problem, ...]]:
    text = f"---\ntitle: Work\nfields:\n  name: {{}}\n  cv: {yaml}\n---\n"
    return read_form("job", "en", split(text, PATH).node, Document.of(PATH, text))


def test_a_field_says_what_it_takes() -> None:
    form, problems = read("{type: file, label: CV, required: true, accept: [docx, pdf, pdf], max_files: 2}")
    assert problems == ()
    assert form is not None
    assert form.field("cv") == CV
    assert Form.from_plain(form.to_plain()) == form
    assert form.files == (CV,)


@pytest.mark.parametrize(
    "yaml, said",
    [
        ("{type: file}", "'accept' is required: the kinds of files that are taken"),
        ("{type: file, accept: [exe]}", "'accept' must be 'pdf', 'png', 'jpeg'"),
        ("{type: file, accept: [pdf], max_size: 5}", "'max_size' must be a size of at most 25 MB, not '5'"),
        ("{type: file, accept: [pdf], max_size: 26 MB}", "'max_size' must be a size of at most 25 MB, not '26 MB'"),
        ("{type: file, accept: [pdf], max_size: 0 MB}", "'max_size' must be a size of at most 25 MB, not '0 MB'"),
        ("{type: file, accept: [pdf], max_files: 11}", "'max_files' must be 10 or less"),
        ("{type: file, accept: [pdf], max_files: 0}", "'max_files' must be 1 or more"),
        ("{type: file, accept: [pdf], max_size: 25 MB, max_files: 3}", "the files of one post may be 75 MB together"),
        ("{type: file, accept: [pdf], default: a.pdf}", "'default' makes no sense for a field of type 'file'"),
        ("{type: text, accept: [pdf]}", "'accept' makes no sense for a field of type 'text'"),
        ("{type: text, max_size: 1 MB}", "'max_size' makes no sense for a field of type 'text'"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(yaml: str, said: str) -> None:
    form, (problem,) = read(yaml)
    assert form is None
    assert problem.message.startswith(said), problem.message
    assert (problem.path, problem.line) == (PATH, 5)


def test_a_language_gives_words_only() -> None:
    text = "---\nfields:\n  cv: {label: Lebenslauf, accept: [png]}\n---\n"
    _, (problem,) = read_variant(JOB, "de", split(text, PATH).node, Document.of(PATH, text))
    assert "belongs to the base file" in problem.message


@pytest.mark.parametrize("change", [{"accept": ("pdf",)}, {"max_size": 1}, {"max_files": 1}])
def test_the_digest_of_the_rules_has_all_of_it(change: dict[str, Any]) -> None:
    plain = {"required": True, "accept": CV.accept, "max_size": CV.max_size, "max_files": CV.max_files}
    other = Form("job", "en", "Work with us", "Send", (JOB.fields[0], FormField("cv", "file", **plain | change)))
    assert other.rules != JOB.rules


def test_forms_without_files_keep_the_digest_that_is_out_there() -> None:
    assert Form("contact", "en", "Talk", "Send", (FormField("name", label="Name"),)).rules == "f42438bf4583bb0d"


def test_the_page_asks_for_files_as_html_does() -> None:
    text = form_html(JOB, "/_ob/f/job", say)
    (control,) = re.findall(r'<input type="file"[^>]*>', text)
    assert ' enctype="multipart/form-data"' in text
    assert f' accept=".pdf,application/pdf,.docx,{KINDS["docx"].media}"' in control
    assert re.search(r' name="cv" required aria-describedby="form-job-cv.help form-job-cv.error"', control)
    assert " multiple" in control
    assert " value" not in control
    assert '<p class="help" id="form-job-cv.help">PDF, Word; up to 2 files, 5 MB each at most.</p>' in text
    one = FormField("cv", "file", accept=("pdf",), max_size=2048, max_files=1)
    single = form_html(Form("job", "en", "", "", (one,)), "/", say)
    assert "PDF; 2 kB at most." in single
    assert " multiple" not in single
    assert "enctype" not in form_html(Form("job", "en", "", "", JOB.fields[:1]), "/", say)


def test_a_name_that_came_is_no_markup_and_no_value() -> None:
    name = '"><script>alert(1)</script>{kinds}.pdf'
    done = sent(SentFile(name, 10, frozenset({"png"})))
    text = form_html(JOB, "/", say, values={"name": "Ann", "cv": [name]}, errors=done.errors)
    assert "<script" not in text
    assert "{kinds}.pdf” is not a file of a kind that we can take" in text


def sent(*files: SentFile, texts: tuple[str, ...] = ()) -> Checked:
    return check(JOB, {"name": ["Ann"], "cv": texts}, {"cv": files})


def test_what_fits_is_taken_by_its_names() -> None:
    pdf = SentFile("my cv.pdf", 100, frozenset({"pdf"}))
    done = sent(pdf, SentFile("letter", 5 * MEGABYTE, frozenset({"docx"})))
    assert (done.values, done.errors) == ({"name": "Ann", "cv": ("my cv.pdf", "letter")}, ())


@pytest.mark.parametrize(
    "files, code, said",
    [
        ((), "required", "Please choose a file."),
        ((SentFile("a.pdf", 9),), "file-kind", "“a.pdf” is not a file of a kind that we can take."),
        ((SentFile("a.pdf", 9, frozenset({"png"})),), "file-kind", "Please choose another one: PDF, Word."),
        ((SentFile("a", 5 * MEGABYTE + 1, frozenset({"pdf"})),), "file-size", "“a” is too large. Please keep to 5 MB"),
        ((SentFile("a", 0),), "file-empty", "“a” is empty."),
        ((SentFile("a", 1, frozenset({"pdf"})),) * 3, "too-many-files", "Please choose no more files than 2."),
    ],
)
def test_what_does_not_fit_is_named(files: tuple[SentFile, ...], code: str, said: str) -> None:
    (error,) = sent(*files).errors
    assert (error.field, error.code) == ("cv", code)
    assert said in error_text(error, JOB, say)


def test_a_text_in_place_of_a_file_is_kept_and_is_no_file() -> None:
    done = sent(texts=("cv.pdf",))
    assert [one.code for one in done.errors] == ["required"]
    assert done.values["cv"] == ()
    assert done.extra == {"cv": ("cv.pdf",)}


def test_json_brings_no_files() -> None:
    assert list(form_schema(JOB)["properties"]) == ["name"]


@pytest.mark.parametrize(
    "text, size",
    [("5 MB", 5 * MEGABYTE), ("1.5MB", 3 * MEGABYTE // 2), ("500 kB", 512_000), ("5", None), ("5 GB", None)],
)
def test_sizes(text: str, size: int | None) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("size, said", [(1, "1 kB"), (2048, "2 kB"), (MEGABYTE, "1 MB"), (1_500_000, "1.4 MB")])
def test_sizes_are_said(size: int, said: str) -> None:
    assert spoken_size(size) == said


def test_the_name_chooses_among_the_kinds_that_the_content_fits() -> None:
    assert kind_of({"csv", "txt"}, "a.CSV") == "csv"
    assert kind_of({"csv", "txt"}, "a.php") == "txt"
    assert kind_of((), "a.pdf") == ""
    assert [extension(name) for name in ("a.b.PDF", "pdf", "a.pdf. ", ".htaccess")] == ["pdf", "", "pdf", "htaccess"]
