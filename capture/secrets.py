"""`OBVERSE_*` and `secrets.toml` -> `Secrets`, and what is wrong with them. No message ever shows a value."""

from __future__ import annotations

import os
import re
import secrets as randomness
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from capture.files import make_folder, put
from capture.outbox.addresses import OWN
from capture.outbox.keys import keys_of
from capture.setup import Secrets
from obverse.problems import Problem, nearest, problem
from obverse.schema import Document, Table, read_toml

FILE = "secrets.toml"
NAMES = ("key", "smtp", "database", "webhook", "report", "chat")


def load_secrets(folder: Path, environ: Mapping[str, str]) -> tuple[Secrets, tuple[Problem, ...]]:
    """The secrets of the data folder and all that is wrong with them. `OBVERSE_SMTP` wins over `smtp` in the file.

    What is wrong has no value. A file that others may read is told with the code `secrets-open`.
    """
    given, problems = _of_file(folder)
    for name in NAMES:
        variable = f"OBVERSE_{name.upper()}"
        if value := environ.get(variable, "").strip():
            complaint = _CHECKS[name](value)
            given[name] = "" if complaint else value
            if complaint:
                problems.append(problem("bad-value", "", f"{variable} {complaint}", hint=_HINTS[name]))
    return Secrets(**given), tuple(problems)


def ensure_key(folder: Path, token: Callable[[], str]) -> str:
    """The key of the data folder; on the first start it is made of `token` and written down.

    Two processes that start at once end with the same key. "" when the file is broken, which `load_secrets` tells: a
    key put into it would be lost. Raises OSError when it cannot be written.
    """
    make_folder(folder)
    with _alone(folder):
        given, problems = _of_file(folder)
        if given.get("key"):
            return given["key"]
        if any(one.code in ("config-syntax", "unreadable") or one.message.startswith("'key' ") for one in problems):
            return ""
        key = token()
        while len(key) < 64:
            key += token()
        text = (folder / FILE).read_text("utf-8") if (folder / FILE).exists() else ""
        put(folder / FILE, f'key = "{key[:64]}"\n{text.removeprefix(chr(0xFEFF))}'.encode())
        return key[:64]


def key_of(folder: Path, environ: Mapping[str, str]) -> str:
    """The key of the site, made where there is none yet; "" where the secrets are broken. Raises OSError."""
    return load_secrets(folder, environ)[0].key or ensure_key(folder, lambda: randomness.token_hex(32))


def _of_file(folder: Path) -> tuple[dict[str, str], list[Problem]]:
    path, shown = folder / FILE, _shown(folder)
    try:
        text = path.read_text("utf-8-sig")
        problems = list(_openness(path, shown))
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return {}, [problem("unreadable", shown, f"the secrets cannot be read: {why}")]
    # The lines of this document are never given: an excerpt would print the secret.
    document = Document(shown)
    root, wrong = read_toml(text.replace("\r\n", "\n").replace("\r", "\n"), document, "config-syntax")
    if root is None or not isinstance(root.value, Table):
        return {}, [*problems, *wrong]
    given: dict[str, str] = {}
    for entry in root.value.entries:
        value = entry.node.value
        complaint = _complaint(entry.key, value)
        if complaint:
            code = "bad-value" if entry.key in NAMES else "unknown-key"
            hint = _HINTS.get(entry.key, f"the keys are {', '.join(NAMES)}")
            problems.append(document.problem(code, complaint, entry.line, entry.column, hint))
        elif isinstance(value, str) and value.strip():
            given[entry.key] = value.strip()
    return given, problems


def _complaint(key: str, value: object) -> str:
    if key not in NAMES:
        like = nearest(key, NAMES)
        # Somebody may have pasted a secret where a key should stand.
        name = f" '{key}'" if re.fullmatch(r"[a-z_-]{1,20}", key) else ""
        return f"unknown key{name}" + (f"; {like}" if like else "")
    if not isinstance(value, str):
        return f"'{key}' must be text in quotes"
    wrong = _CHECKS[key](value.strip()) if value.strip() else ""
    return f"'{key}' {wrong}" if wrong else ""


def _openness(path: Path, shown: str) -> Iterator[Problem]:
    """Whether others than its owner may read the file; Windows has no such bits."""
    if os.name != "posix":
        return
    stat = path.stat()
    if stat.st_mode & 0o077:
        message = "others on this machine may read the secrets"
        yield problem("secrets-open", shown, message, hint=f"chmod 600 {shown}")
    if stat.st_uid != os.geteuid():
        message = "the file belongs to somebody else, who can change it"
        yield problem("secrets-open", shown, message, hint=f"give it to whoever runs Obverse: chown USER {shown}")


def _shown(folder: Path) -> str:
    """The file as people name it: from `var` on."""
    parts = folder.parts
    start = len(parts) - 1 - parts[::-1].index("var") if "var" in parts else len(parts) - 1
    return "/".join((*parts[start:], FILE))


def _key(value: str) -> str:
    return "" if re.fullmatch(r"[0-9a-fA-F]{64}", value) else "must be 64 hexadecimal digits"


def _smtp(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    return "" if good else "must be an address such as smtp://USER:PASSWORD@mail.example.com:587"


def _database(value: str) -> str:
    good = re.match(r"(postgres(ql)?(\+psycopg)?|sqlite)://", value)
    return "" if good else "must begin with postgresql://"


def _webhook(value: str) -> str:
    keys = keys_of(value)
    if not keys:
        return "must be whsec_ and 24 to 64 bytes in Base64"
    return "" if any(one.last is None for one in keys) else "must have one key that does not end"


def _report(value: str) -> str:
    return "" if re.fullmatch(r"[!-~]{20,200}", value) else "must be 20 to 200 characters without blanks"


def _chat(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN)
    except ValueError:
        good = False
    return "" if good and parts.hostname else "must be an address that begins with https://"


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "key": _key,
    "smtp": _smtp,
    "database": _database,
    "webhook": _webhook,
    "report": _report,
    "chat": _chat,
}
_HINTS = {
    "key": "leave it out and Obverse makes one",
    "smtp": "write @ and : in the password as %40 and %3A",
    "database": "leave it out for SQLite in var/",
    "webhook": 'make one with: echo "whsec_$(openssl rand -base64 32)"; an old one may follow as whsec_…@2026-12-31',
    "report": "make one with: openssl rand -hex 32",
    "chat": "copy the address of an incoming webhook out of the chat's settings",
}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time, where the system can lock a folder."""
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
