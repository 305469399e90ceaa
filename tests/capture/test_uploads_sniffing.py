"""What a file is, by its content alone."""

from __future__ import annotations

import io
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.uploads.archives import MOST_ENTRIES
from capture.uploads.sniffing import ACTIVE, BOMB, MIXED, Found, sniff
from tests.capture.files import CSV, GIF, HTML, PDF, PHP, SVG, TXT, docx, jpeg, packed, png, webp, xlsx


def look(data: bytes) -> Found:
    return sniff(io.BytesIO(data), len(data))


def found(*kinds: str, doubts: tuple[str, ...] = ()) -> Found:
    return Found(frozenset(kinds), doubts)


TEXT = found("txt", "csv")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (PDF, found("pdf")),
        (png(), found("png")),
        (jpeg(), found("jpeg")),
        (webp(), found("webp")),
        (GIF, found("gif")),
        (docx(), found("docx")),
        (xlsx(), found("xlsx")),
        (TXT, TEXT),
        (CSV, TEXT),
        ("Grüße, 世界 🙂\n".encode("utf-16"), TEXT),
        (("x" * 200_000 + "🙂" * 100_000).encode("utf-16"), TEXT),
        ("été".encode("latin-1"), TEXT),
        (b"# 1 < 2 and <3\n", TEXT),
    ],
)
def test_each_kind_is_known(data: bytes, what: Found) -> None:
    assert look(data) == what


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HTML,
        SVG,
        PHP,
        b"\xef\xbb\xbf \n" + HTML,
        HTML.decode().encode("utf-16"),
        b"MZ\x90\0\3\0\0\0",
        b"\x7fELF\2\1\1\0",
        b"text\0with a hole",
        b"x" * 300_000 + b"\x01",
        b"\xff\xfea",
        b"PK\3\4 is no archive",
        packed({"a.txt": b"a"}),
        packed({"word/document.xml": b"a"}),
        docx()[:-30],
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xd9",
        png(0, 5),
    ],
)
def test_what_is_none_of_them_fits_nothing(data: bytes) -> None:
    assert look(data) == Found()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (png(50_000, 50_000), found("png", doubts=(BOMB,))),
        (jpeg(65_000, 2), found("jpeg", doubts=(BOMB,))),
        (webp(16_000, 16_000), found("webp", doubts=(BOMB,))),
        (docx({"word/media/a.bin": bytes(30 << 20)}), found("docx", doubts=(BOMB,))),
        (docx({f"word/{n}": b"" for n in range(MOST_ENTRIES)}), found("docx", doubts=(BOMB,))),
        (docx({"word/vbaProject.bin": b"x"}), found("docx", doubts=(ACTIVE,))),
        (docx({"word/embeddings/a.EXE": b"x"}), found("docx", doubts=(ACTIVE,))),
        (PDF.replace(b"/Catalog", b"/Catalog /OpenAction <</S /JavaScript>>"), found("pdf", doubts=(ACTIVE,))),
        (PDF + packed({"a": b"a"}), found("pdf", doubts=(MIXED,))),
        (PDF[:-6], found("pdf", doubts=(MIXED,))),
        (b"%PDF-1.4\n" + HTML + PDF, found("pdf", doubts=(MIXED,))),
        (png() + packed({"a": b"a"}), found("png", doubts=(MIXED,))),
        (jpeg() + packed({"a": b"a"}), found("jpeg", doubts=(MIXED,))),
        (jpeg().replace(b"Exif\0\0", b"<?php "), found("jpeg", doubts=(MIXED,))),
        (GIF[:-1] + b"<script>alert(1)</script>;", found("gif", doubts=(MIXED,))),
        (webp() + b"more", found("webp", doubts=(MIXED,))),
        (docx() + PDF, found("docx", doubts=(MIXED,))),
        (
            packed({"[Content_Types].xml": b"", "word/document.xml": b"", "xl/workbook.xml": b""}),
            found("docx", "xlsx", doubts=(MIXED,)),
        ),
    ],
)
def test_what_may_fool_a_program_is_a_doubt(data: bytes, what: Found) -> None:
    assert look(data) == what


def test_films_behind_a_picture_are_no_doubt() -> None:
    assert look(jpeg() + b"\0\0\0\x18ftypmp42" + bytes(5000)) == found("jpeg")


def test_code_is_found_where_two_reads_meet() -> None:
    for place in range(256 * 1024 - 8, 256 * 1024 + 2):
        picture = bytearray(jpeg() + bytes(300_000))
        picture[place : place + 7] = b"<script"
        assert look(bytes(picture)).doubts == (MIXED,)


def test_a_bomb_is_known_without_being_opened() -> None:
    data = docx({"word/media/a": bytes(60 << 20)})
    tracemalloc.start()
    try:
        assert look(data).doubts == (BOMB,)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", PDF[:9], png()[:16], jpeg()[:4], b"GIF89a", b"RIFF0000WEBPVP8 ", docx()[:40]]),
)
def test_nothing_makes_it_fail(more: bytes, begins: bytes) -> None:
    assert isinstance(look(begins + more), Found)


@pytest.mark.parametrize("whole", [PDF, png(), jpeg(), GIF, webp(), docx(), xlsx()])
def test_nothing_that_is_broken_makes_it_fail(whole: bytes) -> None:
    chance = random.Random(7)
    for _ in range(200):
        data = bytearray(whole[: chance.randrange(4, len(whole) + 1)])
        for _ in range(3):
            data[chance.randrange(len(data))] = chance.randrange(256)
        assert isinstance(look(bytes(data)), Found)
