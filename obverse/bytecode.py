"""Bytecode: templates as Jinja compiled them, kept from build to build.

A site's own templates are kept in its workshop. Those of the bundled theme are kept beside the theme, as Python keeps
its own, so that the first build of a site compiles nothing but what the site itself brings.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2.bccache import Bucket, BytecodeCache, FileSystemBytecodeCache

from obverse.sources import digest_of
from obverse.theme import BUNDLED

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = "__pycache__"


def bytecode(workshop: Path, theme: Path, rules: str, *, shared: bool) -> BytecodeCache | None:
    """Where templates are kept that were compiled by these rules; None where nothing can be kept.

    `theme` is the folder of the bundled templates, which is `shared` by sites: but a site with hooks of its own may
    change how any template is read, so it keeps all of them to itself.
    """
    own = _folder(workshop, f"-{digest_of(rules.encode())[:16]}.cache", "", _Folder)
    if own is None or not shared:
        return own
    tag = f".{sys.implementation.cache_tag}"
    theirs = _folder(theme / FOLDER, f"{tag}-{digest_of(rules.encode())[:16]}.cache", tag, _Shared)
    return _Divided(own, theirs) if theirs else own


def _folder(folder: Path, suffix: str, tag: str, kind: type[_Folder]) -> _Folder | None:
    """A folder of compiled templates, without those that other rules left there."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob(f"__jinja2_*{tag}-*.cache"):
            if not file.name.endswith(suffix):
                file.unlink(missing_ok=True)
        return kind(str(folder), f"__jinja2_%s{suffix}")
    return None


class _Folder(FileSystemBytecodeCache):
    """Compiled templates in one folder, under the rules they were compiled by."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        # It only saves time: a full disk must not look like a broken template.
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


class _Shared(_Folder):
    """The same beside the theme, under Python's own rule for whether to write beside a source."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            super().dump_bytecode(bucket)


class _Divided(BytecodeCache):
    """The bundled theme's templates in one place, all others in another."""

    def __init__(self, own: _Folder, shared: _Folder) -> None:
        self._own = own
        self._shared = shared
        self._bundled: set[str] = set()

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        if filename and filename.startswith(BUNDLED):
            self._bundled.add(self.get_cache_key(name, filename))
        return super().get_bucket(environment, name, filename, source)

    def _place(self, bucket: Bucket) -> _Folder:
        return self._shared if bucket.key in self._bundled else self._own

    def load_bytecode(self, bucket: Bucket) -> None:
        self._place(bucket).load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._place(bucket).dump_bytecode(bucket)
