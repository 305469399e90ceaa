import json
import time
from io import BytesIO
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from capture.posting import LONGEST, MOST_FIELDS, Post, Rejected, address_of, network_of, read_post, wants_json

FORM = "application/x-www-form-urlencoded"
MULTIPART = 'multipart/form-data; boundary="b"'


def request(body: bytes = b"", kind: str = FORM, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    builder = EnvironBuilder(method="POST", data=body, content_type=kind, headers=named)
    return Request(builder.get_environ())


def read(body: bytes | str, kind: str = FORM, **headers: str) -> Post | Rejected:
    return read_post(request(body.encode() if isinstance(body, str) else body, kind, **headers))


def fields(body: bytes | str, kind: str = FORM) -> dict[str, tuple[str, ...]]:
    post = read(body, kind)
    assert isinstance(post, Post), post
    return dict(post.fields)


def part(name: str, text: str, more: str = "") -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("a=1&b=2&a=3", {"a": ("1", "3"), "b": ("2",)}),
        ("a=&b", {"a": ("",), "b": ("",)}),
        ("a=x+y%26z", {"a": ("x y&z",)}),
        ("a=%C3%BC", {"a": ("ü",)}),
        ("a=ü".encode(), {"a": ("ü",)}),
        (b"a=\xff%ff", {"a": ("\ufffd\ufffd",)}),
        ("a;b=1", {"a;b": ("1",)}),
        ("__proto__=1&constructor=2", {"__proto__": ("1",), "constructor": ("2",)}),
        ("", {}),
        ("a=%00", {"a": ("\0",)}),
    ],
)
def test_urlencoded(body: str | bytes, found: dict[str, Any]) -> None:
    assert fields(body) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": "x", "b": ["y", 1, True]}, {"a": ("x",), "b": ("y", "1", "true")}),
        ({"a": 1.5, "b": False, "c": None, "d": []}, {"a": ("1.5",), "b": ("false",)}),
        ({}, {}),
    ],
)
def test_json(value: object, found: dict[str, Any]) -> None:
    assert fields(json.dumps(value), "application/json") == found
    assert fields(json.dumps(value), "application/vnd.house+json; charset=utf-8") == found


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '"x"',
        "{",
        '{"a": {"b": 1}}',
        '{"a": [["b"]]}',
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": [Infinity]}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        '{"\\udc00": 1}',
        '{"a": "\\u0000"}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b"\xff\xfe{\0}\0",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_json_that_is_none(body: str | bytes) -> None:
    assert read(body, "application/json") == Rejected(400, "bad-request")


def test_multipart() -> None:
    body = part("a", "1") + part("a", "ü\r\n2") + part("b", "") + "--b--\r\n"
    assert fields(body, MULTIPART) == {"a": ("1", "ü\r\n2"), "b": ("",)}


@pytest.mark.parametrize(("more", "text", "file"), [('; filename=""', "", False), ('; filename="x"', "", True)])
def test_a_file_is_seen_and_left(more: str, text: str, file: bool) -> None:
    post = read(part("a", "kept") + part("cv", text, more) + "--b--\r\n", MULTIPART)
    assert isinstance(post, Post)
    assert post.strays is file
    assert post.fields == {"a": ("kept",)}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (part("a", "1"), MULTIPART),
        ("", MULTIPART),
        (part("a", "1") + "--b--", "multipart/form-data"),
        (part("a", "1") + "--b--", "multipart/form-data; boundary=ü"),
        ("--b\r\n\r\nx\r\n--b--\r\n", MULTIPART),
        ("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", MULTIPART),
    ],
)
def test_multipart_that_is_none(body: str, kind: str) -> None:
    found = read(body, kind)
    assert found == Rejected(400, "bad-request") or (isinstance(found, Post) and "a" not in found.fields)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"a=" + b"x" * LONGEST, FORM),
        (b"&".join([b"a=1"] * (MOST_FIELDS + 1)), FORM),
        (b'{"a": "' + b"x" * LONGEST + b'"}', "application/json"),
        (json.dumps({"a": [1] * (MOST_FIELDS + 1)}).encode(), "application/json"),
        (json.dumps({str(one): None for one in range(MOST_FIELDS + 1)}).encode(), "application/json"),
        ("".join(part("a", "x") for _ in range(MOST_FIELDS + 1)).encode() + b"--b--\r\n", MULTIPART),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n" + b"\r" * LONGEST, MULTIPART),
        (b"--b\r\nContent-Disposition: form-data; name=a; filename=x\r\n\r\n" + b"x" * LONGEST, MULTIPART),
    ],
)
def test_too_much_is_refused_at_once(body: bytes, kind: str) -> None:
    start = time.process_time()
    assert read(body, kind) == Rejected(413, "too-big")
    assert time.process_time() - start < 0.2


class Endless(BytesIO):
    """A chunked body that never ends, and counts what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0, "nobody may ask for all of it"
        self.given += size
        return b"x" * size

    def readinto(self, buffer: Any) -> int:
        self.given += len(buffer)
        return len(buffer)


def test_a_body_without_a_length_is_read_within_the_cap() -> None:
    stream = Endless()
    environ = EnvironBuilder(method="POST", content_type=FORM).get_environ()
    del environ["CONTENT_LENGTH"]
    environ |= {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    assert read_post(Request(environ)) == Rejected(413, "too-big")
    assert stream.given <= 2 * LONGEST


def test_a_short_body_without_a_length_is_read() -> None:
    environ = EnvironBuilder(method="POST", content_type=FORM).get_environ()
    del environ["CONTENT_LENGTH"]
    environ |= {"wsgi.input": BytesIO(b"a=1"), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    post = read_post(Request(environ))
    assert isinstance(post, Post)
    assert post.fields == {"a": ("1",)}


def test_a_body_that_broke_off_is_told() -> None:
    environ = EnvironBuilder(method="POST", content_type=FORM, data=b"a=1").get_environ()
    environ["CONTENT_LENGTH"] = "100"
    assert read_post(Request(environ)) == Rejected(400, "bad-request")


def test_a_long_body_is_not_even_read() -> None:
    environ = EnvironBuilder(method="POST", content_type=FORM).get_environ()
    stream = Endless()
    environ |= {"wsgi.input": stream, "CONTENT_LENGTH": str(2 * 1024**3)}
    assert read_post(Request(environ)) == Rejected(413, "too-big")
    assert stream.given == 0


@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml", "multipart/mixed", "x" * 3000])
def test_other_types_are_refused(kind: str) -> None:
    assert read("a=1", kind) == Rejected(415, "bad-type")


@pytest.mark.parametrize(("coding", "good"), [("gzip", False), ("identity", True), ("br, gzip", False)])
def test_packed_bodies_are_refused(coding: str, good: bool) -> None:
    assert isinstance(read("a=1", Content_Encoding=coding), Post) is good


@pytest.mark.parametrize(
    ("accept", "json_"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/problem+json", True),
        ("application/json, text/plain, */*", True),
        ("application/json;q=0.5, text/html", False),
        ("text/html;q=0, application/json", True),
        ("nonsense;;;q=x", False),
        ("image/png", False),
    ],
)
def test_the_answer_is_chosen_by_accept(accept: str, json_: bool) -> None:
    assert wants_json(request(Accept=accept)) is json_


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("203.0.113.77:1234", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("[2001:db8:1:2::4]:443", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("unix:", ""),
        ("unknown", ""),
        ("", ""),
        ("[", ""),
        ("1.2.3.4.5", ""),
    ],
)
def test_addresses_are_cut_to_networks(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("proxies", "claimed", "address"),
    [
        (0, "10.0.0.1", "127.0.0.1"),
        (1, "10.0.0.1", "10.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (2, "10.0.0.1", "127.0.0.1"),
        (1, "", ""),
    ],
)
def test_only_trusted_proxies_are_believed(proxies: int, claimed: str, address: str) -> None:
    environ = EnvironBuilder(headers={"X-Forwarded-For": claimed}).get_environ()
    environ["REMOTE_ADDR"] = "127.0.0.1"
    assert address_of(Request(environ), proxies) == address


@given(
    body=st.binary(max_size=400),
    kind=st.sampled_from([FORM, MULTIPART, "application/json", "text/plain"]) | st.text(max_size=30),
    framed=st.booleans(),
)
def test_no_bytes_raise(body: bytes, kind: str, framed: bool) -> None:
    inside = b'--b\r\nContent-Disposition: form-data; name="x"' + body + b"\r\n--b--\r\n" if framed else body
    environ = EnvironBuilder(method="POST", data=inside).get_environ()
    environ["CONTENT_TYPE"] = kind
    found = read_post(Request(environ))
    assert isinstance(found, Post) or found.status in (400, 413, 415)


@given(
    st.lists(
        st.sampled_from([b"&", b"=", b"+", b"%", b"%2", b"%C3%BC", b"%ff", b"a", b"\xc3\xbc", b"\xff", b";", b"\0"])
    )
)
def test_a_body_is_read_as_python_reads_it(some: list[bytes]) -> None:
    text = b"".join(some).decode("utf-8", "replace")
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        found.setdefault(name, []).append(value)
    assert fields(b"".join(some)) == {name: tuple(values) for name, values in found.items()}


@given(st.text(max_size=80), st.integers(0, 3))
def test_no_address_raises(text: str, proxies: int) -> None:
    environ = EnvironBuilder().get_environ() | {"HTTP_X_FORWARDED_FOR": text, "HTTP_ACCEPT": text}
    network_of(address_of(Request(environ), proxies))
    wants_json(Request(environ))


@given(st.ip_addresses())
def test_a_network_is_what_is_left_of_an_address_without_its_end(address: IPv4Address | IPv6Address) -> None:
    plain = (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
    assert network_of(str(address)) == str(ip_network((plain, 24 if plain.version == 4 else 48), strict=False))
