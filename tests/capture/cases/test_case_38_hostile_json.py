"""Case 38: JSON ten thousand deep, a million keys, double keys, NaN, lone surrogates, NUL: refused as problem+json."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.app import create_app
from capture.store.tables import submissions
from tests.capture.house import a_house, no_sync

__all__ = ["no_sync"]

BODIES = {
    "deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "deep lists": (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "a million keys": (b"{" + b",".join(b'"%d":1' % one for one in range(1_000_000)) + b"}", 413),
    "keys within the cap": (b"{" + b",".join(b'"%d":1' % one for one in range(5000)) + b"}", 413),
    "double keys": (b'{"message":"a","message":"b"}', 400),
    "NaN": (b'{"message":NaN}', 400),
    "infinity": (b'{"message":1e999}', 400),
    "lone surrogate": (b'{"message":"\\ud800"}', 400),
    "surrogate as a key": (b'{"\\udfff":"x"}', 400),
    "NUL": (b'{"message":"a\\u0000b"}', 400),
}


@pytest.mark.parametrize("name", BODIES)
def test_it_is_refused_and_nothing_is_stored(name: str, tmp_path: Path, sqlite_url: str, no_sync: None) -> None:
    body, status = BODIES[name]
    with a_house(tmp_path, sqlite_url) as house:
        head = {"Accept": "application/json", "Content-Type": "application/json"}
        answer = create_app(house).test_client().post("/_ob/f/contact", data=body, headers=head)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        with house.database.read() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(submissions)).scalar() == 0
