"""`GET /inbox/a/<id>`: a file that came with a form -> its bytes for staff, in a way that no browser shows or runs.

The path is made of the id alone; what its sender called it goes into a header (RFC 6266, RFC 8187) and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from flask import Response, abort, request

from capture.access.guard import tell
from capture.inbox.blueprint import blueprint, house
from capture.inbox.display import stripped
from capture.model import Attachment
from capture.store.attachments import attachment
from capture.uploads.shelf import path_of
from obverse.forms.kinds import KINDS, extension

# Nothing of it may run, load or be shown within a page of ours, whatever it is.
POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
_UNKNOWN = "application/octet-stream"

_LONGEST = 150  # characters of a name
_CHUNK = 64 * 1024  # bytes


@blueprint.get("/a/<id>")
def file(id: str) -> Response:
    """A file that came with a form, to be saved. 404 for one that is not there, or was erased."""
    given = house()
    with given.ready().read() as connection:
        found = attachment(connection, id)
    path = path_of(given.uploads, found.id) if found else None
    if found is None or path is None or not path.is_file():
        abort(404)
    if request.method == "GET":
        with given.ready().write() as connection:
            tell(connection, "file.downloaded", "file", found.id)
    kind = KINDS.get(found.kind)
    response = Response(_chunks(path), content_type=kind.media if kind else _UNKNOWN)
    response.content_length = path.stat().st_size
    response.headers["Content-Disposition"] = disposition(found)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _chunks(path: Path) -> Iterator[bytes]:
    """The bytes. The file is opened when they are asked for, which nobody does for a HEAD."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def disposition(file: Attachment) -> str:
    """Save it, under a name without anything that a disk or a header takes for more than a name."""
    name = safe_name(file)
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_name(file: Attachment) -> str:
    """What its sender called it, ending as its content does: a text called `shell.php` is `shell.php.txt`."""
    bare = re.sub(r"[\x00-\x1f\x7f/\\\\:*?\"<>|%]", "_", stripped(file.name)).strip(" .")
    kind = KINDS.get(file.kind)
    ends = kind.extensions if kind else ("bin",)
    right = extension(bare) in ends
    stem = bare.rpartition(".")[0] if right else bare
    return f"{stem[:_LONGEST] or 'file'}.{extension(bare) if right else ends[0]}"
