"""A static site as HTTP has it: what is found, what never is, codings, parts, and what a browser may keep."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.run.negotiation import Part, is_known, part_of, wants_gzip
from capture.run.static import ASK_AGAIN, FOR_EVER, Answer, Request, Static
from capture.run.types import TYPES, is_compressible, media_type
from obverse.serve import preview

PAGE = b"<!doctype html><title>One</title>" + b"<p>text</p>" * 200
LARGE = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    files = {
        "index.html": b"<title>Home</title>",
        "articles/one/index.html": PAGE,
        "404.html": b"<title>Not here</title>" + b" " * 2000,
        "assets/app.0123456789.css": b"a{}" * 1000,
        "assets/app.css": b"a{}",
        "assets/short.012345.css": b"a{}",
        "film.mp4": LARGE,
        "a b/index.html": b"blank",
        "ü.txt": b"umlaut",
        "_headers": b"secret",
        "_redirects": b"secret",
        ".git/config": b"secret",
        "articles/.draft.html": b"secret",
        "empty.txt": b"",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "outside").symlink_to(tmp_path, target_is_directory=True)
    (folder / "inside.txt").symlink_to(folder / "ü.txt")
    return folder


def ask(site: Path, path: str, method: str = "GET", base_path: str = "", query: str = "", **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Static(site, base_path).answer(Request(method, path, query, given))


def header(answer: Answer, name: str) -> str:
    return dict(answer.headers).get(name, "")


def test_a_page_is_asked_for_again_and_answered_with_nothing_new(site: Path) -> None:
    first = ask(site, "/articles/one/")
    assert (first.status, first.body, header(first, "Cache-Control")) == (200, PAGE, ASK_AGAIN)
    assert header(first, "Content-Type") == "text/html; charset=utf-8"
    assert header(first, "Content-Length") == str(len(PAGE))
    again = ask(site, "/articles/one/", if_none_match=f'"other", W/{header(first, "ETag")}')
    assert (again.status, again.body) == (304, b"")
    assert dict(again.headers) == {
        "ETag": header(first, "ETag"),
        "Cache-Control": ASK_AGAIN,
        "Vary": "Accept-Encoding",
    }


def test_the_etag_is_of_the_content_so_that_it_is_the_same_on_every_host(site: Path) -> None:
    before = header(ask(site, "/articles/one/"), "ETag")
    page = site / "articles/one/index.html"
    page.unlink()
    page.write_bytes(PAGE)
    os.utime(page, (1, 1))
    assert header(ask(site, "/articles/one/"), "ETag") == before
    page.write_bytes(PAGE + b"!")
    assert header(ask(site, "/articles/one/"), "ETag") != before


@pytest.mark.parametrize(
    "path, kept",
    [
        ("/assets/app.0123456789.css", FOR_EVER),
        ("/assets/app.css", ASK_AGAIN),
        ("/assets/short.012345.css", ASK_AGAIN),
        ("/film.mp4", ASK_AGAIN),
    ],
)
def test_only_what_has_a_fingerprint_is_kept_for_ever(site: Path, path: str, kept: str) -> None:
    answer = ask(site, path)
    assert header(answer, "Cache-Control") == kept
    if answer.file:
        answer.file.close()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/articles/../../secret.txt",
        "/articles/one/../../../secret.txt",
        "/..\\secret.txt",
        "/articles\\one\\index.html",
        "//secret.txt",
        "//evil.test/",
        "/articles//one/",
        "/./index.html",
        "/out.txt",
        "/outside/secret.txt",
        "/.git/config",
        "/articles/.draft.html",
        "/_headers",
        "/_redirects",
        "/index.html\0.png",
        "/\0",
        "/%2e%2e/secret.txt",
        "secret.txt",
        "",
        "/film.mp4/",
        "/film.mp4/index.html",
        "/" + "x" * 5000,
        "/articles",
        "/assets/",
    ],
)
def test_what_is_not_a_file_of_the_site_is_its_404_page(site: Path, path: str) -> None:
    answer = ask(site, path, if_none_match="*", range="bytes=0-1")
    assert answer.status == 404
    assert answer.body.startswith(b"<title>Not here")
    assert b"secret" not in answer.body


def test_a_site_without_a_404_page_says_it_in_words(tmp_path: Path) -> None:
    answer = ask(tmp_path, "/nothing")
    assert answer.status == 404
    assert b"no such page" in answer.body


def test_links_within_the_site_are_followed_and_names_may_be_any_text(site: Path) -> None:
    assert ask(site, "/inside.txt").body == b"umlaut"
    assert ask(site, "/ü.txt").body == b"umlaut"
    assert ask(site, "/a b/").body == b"blank"
    assert ask(site, "/empty.txt").body == b""


@pytest.mark.parametrize(
    "path, base_path, query, place",
    [
        ("/articles/one", "", "", "/articles/one/"),
        ("/articles/one", "/blog", "a=1&b=2", "/blog/articles/one/?a=1&b=2"),
        ("/a b", "", "", "/a%20b/"),
    ],
)
def test_a_folder_without_its_slash_is_sent_to_the_address_it_has(
    site: Path, path: str, base_path: str, query: str, place: str
) -> None:
    answer = ask(site, path, base_path=base_path, query=query)
    assert (answer.status, header(answer, "Location")) == (301, place)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"])
def test_a_site_is_for_reading(site: Path, method: str) -> None:
    answer = ask(site, "/", method)
    assert (answer.status, header(answer, "Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("accept", ["", "gzip", "br"])
@pytest.mark.parametrize("path", ["/articles/one/", "/film.mp4", "/nothing", "/articles/one", "/empty.txt"])
def test_head_says_what_get_says_without_the_body(site: Path, path: str, accept: str) -> None:
    got, head = (ask(site, path, method, accept_encoding=accept) for method in ("GET", "HEAD"))
    assert (head.status, head.headers, head.file) == (got.status, got.headers, None)
    if got.file:
        got.file.close()


def test_text_is_sent_smaller_to_those_who_can_read_it(site: Path) -> None:
    plain = ask(site, "/articles/one/")
    small = ask(site, "/articles/one/", accept_encoding="br, gzip;q=0.8")
    assert header(small, "Content-Encoding") == "gzip"
    assert gzip.decompress(small.body) == PAGE
    assert header(small, "Vary") == header(plain, "Vary") == "Accept-Encoding"
    assert header(small, "Content-Length") == str(len(small.body))
    assert header(small, "ETag") not in ("", header(plain, "ETag"))
    assert ask(site, "/articles/one/", accept_encoding="gzip", if_none_match=header(small, "ETag")).status == 304
    assert ask(site, "/articles/one/", accept_encoding="gzip", if_none_match=header(plain, "ETag")).status == 200


def test_the_404_page_is_sent_smaller_too_and_is_never_not_modified(site: Path) -> None:
    small = ask(site, "/nothing", accept_encoding="gzip")
    assert (small.status, header(small, "Content-Encoding")) == (404, "gzip")
    assert ask(site, "/nothing", accept_encoding="gzip", if_none_match=header(small, "ETag")).status == 404


@pytest.mark.parametrize("path", ["/film.mp4", "/", "/empty.txt"])
def test_what_does_not_get_smaller_is_sent_as_it_is(site: Path, path: str) -> None:
    answer = ask(site, path, accept_encoding="gzip")
    assert header(answer, "Content-Encoding") == ""
    assert "Vary" not in dict(answer.headers)
    if answer.file:
        answer.file.close()


def test_compressed_bytes_are_the_same_each_time_and_follow_the_file(site: Path) -> None:
    static = Static(site)
    request = Request("GET", "/articles/one/", headers={"accept-encoding": "gzip"})
    first = static.answer(request).body
    assert static.answer(request).body is first
    replaced = site / "new.html"
    replaced.write_bytes(PAGE.replace(b"text", b"TEXT"))
    os.replace(replaced, site / "articles/one/index.html")
    assert gzip.decompress(static.answer(request).body) == PAGE.replace(b"text", b"TEXT")


def test_the_memory_for_compressed_files_is_bounded(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.run.static._MEMORY", 100_000)
    static = Static(site)
    for number in range(20):
        (site / f"{number}.txt").write_bytes(os.urandom(20_000))
        static.answer(Request("GET", f"/{number}.txt", headers={"accept-encoding": "gzip"}))
    assert 60_000 < static._memory._held <= 100_000
    assert static._memory._held == sum(map(len, static._memory._bodies.values()))


@pytest.mark.parametrize(
    "accept, wanted",
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("*", True),
        ("br;q=1.0, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity;q=0", False),
        ("gzip;q=nonsense", False),
        ("", False),
        ("deflate, br", False),
        (",;,", False),
    ],
)
def test_codings_are_negotiated_by_their_weights(accept: str, wanted: bool) -> None:
    assert wants_gzip(accept) is wanted


@pytest.mark.parametrize(
    "asked, part",
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=0-99", Part(0, 10)),
        ("bytes=5-", Part(5, 5)),
        ("bytes=-3", Part(7, 3)),
        ("bytes=-99", Part(0, 10)),
        ("bytes=9-9", Part(9, 1)),
        ("bytes=10-", Part(10, 0)),
        ("bytes=-0", Part(10, 0)),
        ("bytes=99-100", Part(99, 0)),
        ("bytes=5-4", None),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=0-" + "9" * 5000, None),
        ("bytes=١-٢", None),
        ("", None),
    ],
)
def test_a_range_names_a_part_or_is_none(asked: str, part: Part | None) -> None:
    assert part_of(asked, 10) == part


@given(st.text(max_size=40), st.integers(0, 50))
def test_no_header_leads_outside_of_a_file(text: str, size: int) -> None:
    for asked in (text, "bytes=" + text):
        part = part_of(asked, size)
        assert part is None or not part.length or 0 <= part.start < part.start + part.length <= size
    wants_gzip(text)
    is_known(text, '"x"')


def test_a_part_is_sent_with_its_place(site: Path) -> None:
    answer = ask(site, "/film.mp4", range="bytes=100-103", accept_encoding="gzip")
    assert (answer.status, answer.body) == (206, LARGE[100:104])
    assert header(answer, "Content-Range") == f"bytes 100-103/{len(LARGE)}"
    assert header(answer, "Content-Length") == "4"


def test_a_part_of_a_text_is_of_the_text_and_not_of_its_compressed_bytes(site: Path) -> None:
    answer = ask(site, "/articles/one/", range="bytes=0-8", accept_encoding="gzip")
    assert (answer.status, answer.body, header(answer, "Content-Encoding")) == (206, PAGE[:9], "")


def test_a_large_part_is_handed_over_as_a_file_at_its_start(site: Path) -> None:
    answer = ask(site, "/film.mp4", range="bytes=1000-")
    assert answer.file is not None
    with answer.file:
        assert (answer.status, answer.length, header(answer, "Content-Length")) == (206, len(LARGE) - 1000, "2096152")
        assert answer.file.read(4) == LARGE[1000:1004]


def test_a_part_that_is_not_there_is_said_to_be_so(site: Path) -> None:
    answer = ask(site, "/film.mp4", range="bytes=99999999-")
    assert (answer.status, header(answer, "Content-Range")) == (416, f"bytes */{len(LARGE)}")


def test_a_part_of_another_version_is_the_whole(site: Path) -> None:
    whole = ask(site, "/articles/one/")
    assert ask(site, "/articles/one/", range="bytes=0-3", if_range=header(whole, "ETag")).status == 206
    for other in ('"other"', f"W/{header(whole, 'ETag')}", "Mon, 23 Nov 2026 10:00:00 GMT"):
        assert ask(site, "/articles/one/", range="bytes=0-3", if_range=other).status == 200


def test_a_file_that_is_replaced_while_it_is_sent_stays_the_one_it_was(site: Path) -> None:
    answer = ask(site, "/film.mp4")
    assert answer.file is not None
    other = site / "other"
    other.write_bytes(b"x" * len(LARGE))
    os.replace(other, site / "film.mp4")
    with answer.file:
        assert answer.file.read() == LARGE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_holds_nobody_up(site: Path) -> None:
    os.mkfifo(site / "pipe.txt")
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(ask(site, "/pipe.txt").status), daemon=True)
    thread.start()
    thread.join(5)
    assert found == [404]


def test_the_folder_may_itself_be_a_link_that_is_switched(site: Path, tmp_path: Path) -> None:
    (tmp_path / "now").symlink_to(site, target_is_directory=True)
    static = Static(tmp_path / "now")
    assert static.answer(Request("GET", "/")).body == b"<title>Home</title>"
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "index.html").write_bytes(b"next")
    (tmp_path / "other").symlink_to(tmp_path / "next", target_is_directory=True)
    os.replace(tmp_path / "other", tmp_path / "now")
    assert static.answer(Request("GET", "/")).body == b"next"


def test_a_site_that_was_never_built_is_known_to_be_empty(tmp_path: Path) -> None:
    assert Static(tmp_path / "none").is_empty()
    (tmp_path / ".keep").touch()
    assert Static(tmp_path).is_empty()
    (tmp_path / "index.html").touch()
    assert not Static(tmp_path).is_empty()


def test_types_are_those_of_the_preview() -> None:
    assert TYPES == preview.TYPES
    assert media_type("x.unknown-suffix") == "application/octet-stream"
    assert is_compressible("image/svg+xml")
    assert not is_compressible("image/png")
