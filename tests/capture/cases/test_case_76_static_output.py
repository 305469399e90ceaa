"""Case 76: what a build publishes holds no secret, no recipient, no setting of capture, and no reason to hold."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from capture.wording import TABLE
from obverse.build import BuildOptions, build
from obverse.clock import Clock

ROOT = Path(__file__).resolve().parents[3]
MOMENT = Clock(datetime(2026, 12, 1, 12, tzinfo=UTC), ZoneInfo("UTC"))
RECIPIENTS = ("hidden-one@recipients.example", "hidden-all@recipients.example", "hidden-from@recipients.example")
HOOK = "https://hook.hidden.example/in/abcdef"
SECRETS = {
    "OBVERSE_KEY": "5e" * 32,
    "OBVERSE_SMTP": "smtp://hidden-user:hidden-password@mail.hidden.example:587",
    "OBVERSE_DATABASE": "postgresql://hidden-owner:hidden-word@db.hidden.example/site",
    "OBVERSE_WEBHOOK": "whsec_aGlkZGVuLXNlY3JldC1oaWRkZW4tc2VjcmV0",
    "OBVERSE_REPORT": "hidden-token-hidden-token",
    "OBVERSE_CHAT": "https://chat.hidden.example/services/hidden-room",
}
# What nobody outside has a use for, whoever wrote it: secrets by their shape, and words of the judgement.
SHAPES = re.compile(
    rb"whsec_|smtps?://|postgres(ql)?://|secrets\.toml|held_reasons"
    rb"|hidden\.example|recipients\.example|hidden-(one|all|from|user|owner)"
)

_PIECE = 64
# What the wording's table is made of, in pieces that stand nowhere by chance: any one of them would give it away.
WEIGHTS = [
    piece
    for table in (TABLE.read_bytes(),)
    for piece in (table[at : at + _PIECE] for at in range(0, len(table), _PIECE))
    if len(set(piece)) > 8
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter, with recipients and secrets that stand nowhere else, built."""
    root = tmp_path_factory.mktemp("static")
    shutil.copytree(ROOT / "content", root / "content")
    settings = (ROOT / "obverse.toml").read_text("utf-8")
    settings = re.sub(r"(?m)^notify = .*$", f'notify = ["{RECIPIENTS[1]}"]', settings)
    settings = re.sub(r"(?m)^from = .*$", f'from = "{RECIPIENTS[2]}"', settings)
    settings = settings.replace("[capture]\n", f'[capture]\nwebhook = "{HOOK}"\n')
    (root / "obverse.toml").write_text(settings, "utf-8")
    for form in (root / "content" / "forms").glob("*.md"):
        form.write_text(re.sub(r"(?m)^notify: .*$", f"notify: [{RECIPIENTS[0]}]", form.read_text("utf-8")), "utf-8")
    (root / "var").mkdir()
    (root / "var" / "secrets.toml").write_text("".join(f'{k[8:].lower()} = "{v}"\n' for k, v in SECRETS.items()))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        report = build(BuildOptions(root), MOMENT)
    assert [one for one in report.problems if one.level.name == "ERROR"] == []
    return root


def test_what_was_hidden_is_known_to_capture_alone(built: Path) -> None:
    """The recipients did reach the release: the scan below looks for what was there to leak."""
    release = b"".join(one.read_bytes() for one in (built / ".obverse" / "release").rglob("*") if one.is_file())
    assert [one for one in (*RECIPIENTS, HOOK) if one.encode() not in release] == []


def test_no_file_of_the_site_holds_any_of_it(built: Path) -> None:
    files = [one for one in (built / "site").rglob("*") if one.is_file()]
    assert any(b"_ob_version" in one.read_bytes() for one in files)
    assert [(one.name, found[0]) for one in files if (found := SHAPES.search(one.read_bytes()))] == []
    values = [*SECRETS.values(), *RECIPIENTS, HOOK]
    assert [(one.name, value) for one in files for value in values if value.encode() in one.read_bytes()] == []
    assert [one.name for one in files if any(piece in one.read_bytes() for piece in WEIGHTS)] == []


def test_the_weights_that_are_looked_for_are_told_apart() -> None:
    """A piece of nothing but zeros would be found in any picture."""
    assert len(WEIGHTS) > 100
    assert all(len(set(one)) > 8 for one in WEIGHTS)


def test_no_file_of_the_site_is_named_by_capture(built: Path) -> None:
    inside = {one.relative_to(built / "site").as_posix() for one in (built / "site").rglob("*")}
    ours = re.compile(r"(^|/)(var|releases?|\.obverse)(/|$)|\.db$|^forms/.*\.md$")
    assert [one for one in inside if ours.search(one)] == []
