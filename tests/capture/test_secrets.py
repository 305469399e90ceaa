"""Secrets: where they come from, what is said of bad ones, and that none of them is ever said."""

import base64
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from pathlib import Path

import pytest

from capture.secrets import ensure_key, load_secrets
from capture.setup import Secrets
from obverse.problems import Level, as_text

KEY = "0123456789abcdef" * 4
SMTP = "smtp://ann:hunter2@mail.test:587"
HOOK = "whsec_" + base64.b64encode(b"h" * 32).decode()
WHOLE = f"""# ours
key = "{KEY}"
smtp = "{SMTP}"
database = "postgresql://obverse:hunter2@db.test/obverse"
webhook = "{HOOK}"
report = "{"r" * 32}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "site" / "var"
    made.mkdir(parents=True, mode=0o700)
    return made


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def counted() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):032x}"


def test_nothing_is_there_and_nothing_is_wrong(folder: Path) -> None:
    assert load_secrets(folder, {}) == (Secrets(), ())


def test_a_whole_file_is_read_and_its_repr_says_nothing(folder: Path) -> None:
    write(folder, WHOLE)
    secrets, problems = load_secrets(folder, {})
    assert problems == ()
    assert asdict(secrets) == {
        "key": KEY,
        "smtp": SMTP,
        "database": "postgresql://obverse:hunter2@db.test/obverse",
        "webhook": HOOK,
        "report": "r" * 32,
        "chat": "",
    }
    assert "hunter2" not in repr(secrets)
    assert KEY not in repr(secrets)


def test_the_environment_wins(folder: Path) -> None:
    write(folder, WHOLE)
    given = {"OBVERSE_SMTP": "smtps://mail.test:465", "OBVERSE_REPORT": "", "OBVERSE_OTHER": "x", "SMTP": "y"}
    secrets, problems = load_secrets(folder, given)
    assert (secrets.smtp, secrets.report, problems) == ("smtps://mail.test:465", "r" * 32, ())


@pytest.mark.parametrize(
    "text, told",
    [
        ('smpt = "smtp://a:hunter2@b"', "unknown key 'smpt'; did you mean 'smtp'?"),
        ('"hunter2 hunter2" = 1', "unknown key ["),
        ("smtp = 25", "'smtp' must be text in quotes"),
        ('smtp = "hunter2@mail"', "'smtp' must be an address such as"),
        ('smtp = "smtp://a:hunter2@[b"', "'smtp' must be an address such as"),
        ('smtp = "smtp://a:hunter2@b:99999"', "'smtp' must be an address such as"),
        ('key = "hunter2"', "'key' must be 64 hexadecimal digits"),
        ('database = "mysql://a:hunter2@b/c"', "'database' must begin with postgresql://"),
        (f'webhook = "{HOOK}@2026-12-31"', "'webhook' must have one key that does not end"),
        (f'webhook = "{HOOK} whsec_hunter2"', "'webhook' must be whsec_ and 24 to 64 bytes in Base64"),
        ('chat = "http://hunter2.test/hook"', "'chat' must be an address that begins with https://"),
        ('webhook = "whsec_hunter2"', "'webhook' must be whsec_ and 24 to 64 bytes in Base64"),
        ('report = "hunter2"', "'report' must be 20 to 200 characters without blanks"),
        ('smtp = "hunter2', "not valid TOML"),
        ('smtp = "a"\nsmtp = "hunter2"', "not valid TOML"),
    ],
)
def test_what_is_wrong_is_told_at_its_place_and_never_shown(folder: Path, text: str, told: str) -> None:
    write(folder, f"# first line\n{text}\n")
    secrets, problems = load_secrets(folder, {})
    printed = as_text(problems)
    assert told in printed
    assert printed.startswith(("var/secrets.toml:2:", "var/secrets.toml:3:"))
    assert "hunter2" not in printed
    assert asdict(secrets) == asdict(Secrets())
    assert problems[0].level is Level.ERROR


def test_what_is_wrong_in_the_environment_is_told_by_its_name(folder: Path) -> None:
    secrets, problems = load_secrets(folder, {"OBVERSE_SMTP": "hunter2", "OBVERSE_KEY": KEY})
    assert as_text(problems).startswith("obverse error: OBVERSE_SMTP must be an address such as smtp://USER:PASSWORD@")
    assert "hunter2" not in as_text(problems)
    assert (secrets.smtp, secrets.key) == ("", KEY)


@pytest.mark.skipif(os.name != "posix", reason="the bits are POSIX's")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_touch_is_told_with_the_mend(folder: Path, mode: int) -> None:
    write(folder, WHOLE, mode)
    secrets, problems = load_secrets(folder, {})
    assert as_text(problems) == (
        "var/secrets.toml warning: others on this machine may read the secrets [secrets-open]\n"
        "  hint: chmod 600 var/secrets.toml"
    )
    assert secrets.smtp == SMTP


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_told(folder: Path) -> None:
    os.chown(write(folder, WHOLE), 65534, -1)
    assert [one.code for one in load_secrets(folder, {})[1]] == ["secrets-open"]


def test_a_file_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "secrets.toml").mkdir()
    assert as_text(load_secrets(folder, {})[1]).startswith("var/secrets.toml error: the secrets cannot be read: ")
    (folder / "secrets.toml").rmdir()
    (folder / "secrets.toml").write_bytes(b'smtp = "\xff"')
    assert [one.code for one in load_secrets(folder, {})[1]][-1] == "unreadable"


def test_a_windows_file_is_read(folder: Path) -> None:
    write(folder, "\ufeff" + WHOLE.replace("\n", "\r\n"))
    assert load_secrets(folder, {})[0].key == KEY


# The key.


def test_the_first_start_makes_a_key_and_later_ones_keep_it(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    token = counted()
    key = ensure_key(folder, token)
    assert key == f"{1:032x}{2:032x}"
    assert ensure_key(folder, token) == key
    assert load_secrets(folder, {}) == (Secrets(key=key), ())
    assert (folder / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["secrets.toml"]


def test_the_key_is_put_beside_what_is_there(folder: Path) -> None:
    write(folder, f'# ours\nsmtp = "{SMTP}"\n', 0o644)
    key = ensure_key(folder, counted())
    assert load_secrets(folder, {}) == (Secrets(key=key, smtp=SMTP), ())
    assert "# ours" in (folder / "secrets.toml").read_text("utf-8")


@pytest.mark.parametrize("text", ['smtp = "', 'key = "short"', "key = 5"])
def test_a_broken_file_is_left_alone(folder: Path, text: str) -> None:
    path = write(folder, text)
    assert ensure_key(folder, counted()) == ""
    assert path.read_text("utf-8") == text


def test_two_who_start_at_once_have_one_key(folder: Path) -> None:
    token, keys = counted(), []
    lock = threading.Lock()

    def drawn() -> str:
        with lock:
            return token()

    threads = [threading.Thread(target=lambda: keys.append(ensure_key(folder, drawn))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
