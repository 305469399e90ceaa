"""Sizes of pictures: the short way for plain PNG files says what Pillow says, or nothing."""

from __future__ import annotations

import io
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from obverse import pictures
from obverse.pictures import size_of
from obverse.site import File

ORIENTATION = 274


def png(size: tuple[int, int] = (30, 20), mode: str = "RGB", **saved: object) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, "PNG", **saved)
    return stream.getvalue()


def turned(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


def texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "About", zip=True)
    return info


def asked(folder: Path, data: bytes, name: str = "a.png") -> tuple[int, int] | None:
    (folder / name).write_bytes(data)
    return size_of(File(name, f"/{name}", "", str(folder / name)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_plain_png_needs_no_pillow(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_size_by_pillow", lambda _: pytest.fail("Pillow was asked"))
    assert asked(tmp_path, png(mode=mode, dpi=(144, 144))) == (30, 20)


def test_a_turned_png_is_seen_by_pillow(tmp_path: Path) -> None:
    assert asked(tmp_path, png(exif=turned(6))) == (20, 30)
    assert asked(tmp_path, png(exif=turned(1))) == (30, 20)
    assert asked(tmp_path, png(pnginfo=texts())) == (30, 20)


def test_what_no_browser_would_show_has_no_size(tmp_path: Path) -> None:
    whole = png()
    assert asked(tmp_path, whole[:16] + b"\x00\x00\x00\x1f" + whole[20:]) is None  # the width, not its checksum
    assert asked(tmp_path, b"") is None
    assert asked(tmp_path, b"GIF89a") is None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 90), byte=st.integers(0, 255), length=st.integers(0, 120))
def test_a_damaged_png_has_no_other_size_than_pillow_says(tmp_path: Path, at: int, byte: int, length: int) -> None:
    data = bytearray(png())
    at %= len(data)
    data[at] = byte
    damaged = bytes(data[: len(data) - length] if length < 60 else data)
    with mock.patch.object(pictures, "_plain_png_size", return_value=None):
        by_pillow = asked(tmp_path, damaged)
    assert by_pillow is None or asked(tmp_path, damaged) == by_pillow
