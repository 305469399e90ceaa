"""Case 56: `shell.php`, `a.pdf.phtml` and names that become another ending: never a path, never run, never shown.

What came lies under a random name outside the site; staff have it as an attachment with `nosniff` and a sandbox policy,
ending as its content does. A real process shows that nothing below its address leads there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.house import House
from obverse.forms.kinds import MEGABYTE
from tests.capture.cases.uploads import (
    ANSWERS,
    CONTACT,
    attached,
    everything,
    multipart,
    named,
    narrower,
    on_disk,
    send,
    staff,
    taking,
)
from tests.capture.files import PDF, TXT
from tests.capture.house import write_release
from tests.capture.running import MANY, let_in, make_root, running

# (what the visitor calls it, its content, the field, what staff save it as, whether the name misleads)
NAMES = [
    ("shell.php", TXT, "notes", "shell.php.txt", True),
    ("shell.php.", TXT, "notes", "shell.php.txt", True),
    ("shell.p\u200bhp", TXT, "notes", "shell.php.txt", True),
    ("a.pdf.phtml", PDF, "cv", "a.pdf.phtml.pdf", True),
    ("a.pdf\u202e.exe", PDF, "cv", "a.pdf.exe.pdf", True),
    ("x.ph%00p.pdf", PDF, "cv", "x.ph_00p.pdf", False),
    (".htaccess", TXT, "notes", "htaccess.txt", True),
    ("notes.md", TXT, "notes", "notes.md", False),
    ("scan", PDF, "cv", "scan.pdf", False),
]


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with taking(tmp_path, database_url) as house:
        yield house


def test_case_56_no_name_is_a_path_and_no_download_runs(house: House) -> None:
    for number, (name, data, field, _, _) in enumerate(NAMES):
        files = {"cv": named(PDF, "cv.pdf"), field: named(data, name, "application/x-httpd-php")}
        assert send(house, **files, email=f"a{number}@example.org").status_code == 303
    browser, inquiries = staff(house), {one.row.email: one for one in everything(house)}
    for number, (name, data, field, saved, misleads) in enumerate(NAMES):
        found = inquiries[f"a{number}@example.org"]
        (file,) = (one for one in found.submissions[0].attachments if one.field == field)
        assert file.name == name
        assert found.row.held_reasons == (("file-name",) if misleads else ()), name
        answer = browser.get(f"/inbox/a/{file.id}")
        assert (answer.status_code, answer.data) == (200, data)
        assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{saved}"'), name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert {"sandbox", "default-src 'none'"} <= set(policy.split("; "))
        assert "allow-" not in policy
        assert answer.mimetype in ("text/plain", "application/pdf")
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in on_disk(house))
    assert len(on_disk(house)) == len(attached(house))


def test_case_56_nothing_below_a_real_address_leads_to_them(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    form = narrower(max_size=4 * MEGABYTE)
    write_release(root / ".obverse" / "release", forms=(CONTACT, form), settings=MANY)
    let_in(root)
    data = PDF[:9] + b"%" + b"x" * (3 * MEGABYTE) + PDF[9:]
    kind, body = multipart(ANSWERS, {"cv": ("shell.php", data)})
    with running(root) as one:
        assert one.ask("/_ob/f/job", "POST", body, Content_Type=kind).status == 303
        (stored,) = (root / "var" / "uploads").iterdir()
        assert stored.read_bytes() == data
        paths = [f"/uploads/{stored.name}", f"/var/uploads/{stored.name}", f"/../var/uploads/{stored.name}"]
        paths += [f"/_ob/t/{stored.name}", f"/%2e%2e/var/uploads/{stored.name}", f"/inbox/a/{stored.name}"]
        assert {one.ask(path).status for path in paths} <= {303, 400, 404}
        assert one.ask(f"/inbox/a/{stored.name}").headers["Location"].startswith("/inbox/login")
        assert one.ask("/", "POST", Content_Type=kind, Content_Length=str(len(body))).status == 413
        kind, body = multipart(ANSWERS, {"cv": ("cv.pdf", PDF + bytes(10 * MEGABYTE))})
        assert one.ask("/_ob/f/job", "POST", body, Content_Type=kind).status == 413
    assert one.errors == []
    assert not any("shell" in str(line) or ANSWERS["email"] in str(line) for line in one.told)
