"""Schemathesis, which reads what the endpoint says of itself and tries to catch it lying, against a running server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from capture.setup import Settings
from obverse.forms.form import Form, FormField
from tests.capture.api_checks import RECEIPTS
from tests.capture.house import FORMS, write_release
from tests.capture.running import MANY, REPOSITORY, Running, kept, let_in, make_root, running
from tests.capture.test_openapi import ALL

PLAN = FormField("plan", type="file", label="Plan", accept=("pdf", "png"), max_size=1_000_000, max_files=2)
EMAIL = FormField("email", type="email", label="E-mail", required=True, max=254)
FILES = Form("files", "en", "Files", "Send", (EMAIL, PLAN), thanks=("<p>Thank you.</p>",))
TOKEN = "5e" * 20

# A house that takes next to nothing: whom it thanks, if anybody, is a matter of chance.
LIMITED = "limited"

# What is wrong and too long besides may be refused as too long. Of a form's body `is_taken_as_its_schema_says` knows
# more: what a browser's text stands for.
CONFIG = """
[warnings]
enabled = false

[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 413, 415, 422, 428, 429]

[[operations]]
include-path-regex = "^/_ob/f/"
checks.negative_data_rejection.enabled = false
checks.positive_data_acceptance.enabled = false
"""


@contextmanager
def besieged(root: Path, settings: Settings) -> Iterator[tuple[Path, Running]]:
    """A process that serves forms with every kind of field."""
    make_root(root, settings)
    write_release(root / ".obverse" / "release", settings=settings, forms=(*FORMS, ALL, FILES))
    with (root / "var" / "secrets.toml").open("a") as secrets:
        secrets.write(f'report = "{TOKEN}"\n')
    let_in(root)
    with running(root) as one:
        yield root, one


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """One that takes from anybody as often as they like."""
    with besieged(tmp_path_factory.mktemp("schemathesis"), MANY) as one:
        yield one


def told(server: tuple[Path, Running], folder: Path, *words: str) -> int:
    """Let Schemathesis find fault with the server, and look up what was acknowledged. How many cases there were."""
    root, one = server
    url, config, receipts = f"http://127.0.0.1:{one.port}", folder / "schemathesis.toml", folder / "receipts"
    config.write_text(CONFIG)
    receipts.touch()
    command = [sys.executable, "-P", "-m", "schemathesis.cli", "--config-file", str(config), "--no-color", "run"]
    options = ["--url", url, "--generation-database", "none", "--continue-on-failure", *words]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.capture.api_checks", RECEIPTS: str(receipts)}
    env["PYTHONPATH"] = str(REPOSITORY)
    done = subprocess.run(
        [*command, f"{url}/api/openapi.json", *options], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    assert [line for line in one.told if line.get("level") == "error"] == []
    thanked = set(receipts.read_text().split())
    assert thanked or root.name == LIMITED, "nothing was taken"
    assert thanked <= set(kept(root)), "somebody was thanked for what is not there"
    return int(re.search(r"(\d+) generated", done.stdout)[1])  # type: ignore[index]


def test_what_it_says_of_itself_is_true(server: tuple[Path, Running], tmp_path: Path) -> None:
    parts = [f"--include-path={one}" for one in ("/_ob/f/guide", "/api/v1/report")]
    words = ["--phases=coverage", "--seed=1", "--no-shrink", "--header=Accept: application/json"]
    assert told(server, tmp_path, *parts, *words) > 100


ROUNDS = {
    "as a program": ["--header=Accept: application/json", f"--header=Authorization: Bearer {TOKEN}"],
    "as a browser": ["--header=Accept: text/html"],
    "as anything": ["--workers=2"],
}


def long_run(server: tuple[Path, Running], tmp_path: Path, *words: str) -> None:
    """`OBVERSE_TEST_SECONDS` says how long it takes."""
    seconds = os.environ.get("OBVERSE_TEST_SECONDS", "120")
    cases = told(server, tmp_path, *words, f"--max-time={seconds}", "--max-examples=400", "--max-failures=12")
    print(f"{cases} cases")
    assert cases > 1000


@pytest.mark.long
@pytest.mark.parametrize("words", ROUNDS.values(), ids=ROUNDS)
def test_a_long_run_finds_nothing(server: tuple[Path, Running], tmp_path: Path, words: list[str]) -> None:
    long_run(server, tmp_path, *words)


@pytest.mark.long
@pytest.mark.parametrize("proofs, status", [(10, 428), (1, 429)])
def test_a_long_run_past_every_limit_finds_nothing(tmp_path: Path, proofs: int, status: int) -> None:
    """Proofs are asked for, or nothing more is taken."""
    root = tmp_path / LIMITED
    root.mkdir()
    with besieged(root, replace(MANY, rate=1, rate_form=1, proofs=proofs)) as one:
        long_run(one, tmp_path, "--header=Accept: application/json")
        assert any(line["status"] == status for line in one[1].lines("request"))
