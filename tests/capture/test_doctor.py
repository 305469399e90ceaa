"""`obverse doctor`: what it says of a machine, a house, a mail server and a domain, each with its mend."""

from __future__ import annotations

import itertools
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from capture.doctor import machine, mail
from capture.doctor.examination import examine, findings, webhook
from capture.doctor.findings import ERROR, UNKNOWN, WARNING, WELL, Finding, as_text
from capture.outbox.mail import answers
from capture.spool import keep
from capture.store import outbox
from capture.store.database import FILE, Database
from capture.store.migrations import upgrade
from capture.store.saving import save
from obverse.cli import main
from tests.capture.receivers import mail_server
from tests.capture.running import MANY, let_in, make_root
from tests.capture.samples import make_outgoing, make_submission, tokens

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HOOK = "whsec_" + "a" * 44
NAME = "house.test"
GOOD = {
    (NAME, "TXT"): ['"v=spf1 mx -all"', '"google-site-verification=x"'],
    (f"_dmarc.{NAME}", "TXT"): ['"v=DMARC1; p=quarantine"'],
    (NAME, "MX"): ["10 mail.house.test."],
    (f"key1._domainkey.{NAME}", "TXT"): ['"v=DKIM1; k=rsa; " "p=MIIB"'],
}

Zone = dict[tuple[str, str], list[str]]


@contextmanager
def name_server(zone: Zone, *, silent: bool = False) -> Iterator[str]:
    """A DNS server on loopback that knows these records; silent, it never answers."""
    with socket.socket(type=socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(0.05)
        over = threading.Event()

        def answer() -> None:
            while not over.is_set():
                try:
                    data, asker = line.recvfrom(4096)
                except TimeoutError:
                    continue
                if not silent:
                    line.sendto(_reply(data, zone), asker)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"127.0.0.1:{line.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def _reply(data: bytes, zone: Zone) -> bytes:
    asked = dns.message.from_wire(data)
    (question,) = asked.question
    name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
    reply = dns.message.make_response(asked)
    reply.flags |= dns.flags.RA
    found = zone.get((name, kind))
    if found:
        reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
    elif not any(known == name for known, _ in zone):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    wire: bytes = reply.to_wire()
    return wire


def of_domain(zone: Zone, selector: str = "key1") -> list[Finding]:
    with name_server(zone) as address:
        return list(mail.domain(f"desk@{NAME}", selector, mail.Resolver(address)))


# The domain that mail is sent from


def test_a_domain_that_is_set_up_is_well() -> None:
    assert [one.state for one in of_domain(GOOD)] == [WELL] * 4


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        ([], ERROR, "says nowhere which servers may send"),
        (['"v=spf1 -all"', '"v=spf1 mx -all"'], ERROR, "has 2 SPF records"),
        (['"v=spf1 mx +all"'], ERROR, "any server may send"),
        (['"v=spf1 mx all"'], ERROR, "any server may send"),
        (['"v=spf10 x"'], ERROR, "says nowhere"),
        (['"v=spf1 include:a.test " "~all"'], WELL, "says which servers"),
    ],
)
def test_who_may_send(records: list[str], state: str, words: str) -> None:
    found = of_domain({**GOOD, (NAME, "TXT"): records})[0]
    assert (found.state, words in found.said, bool(found.mend)) == (state, True, state != WELL)


def test_what_is_missing_is_said_with_a_mend() -> None:
    bare = [one for one in of_domain({(NAME, "TXT"): GOOD[NAME, "TXT"]}) if one.state != WELL]
    assert [(one.state, one.mend != "") for one in bare] == [(WARNING, True), (WARNING, True), (ERROR, True)]
    assert "DMARC" in bare[0].said
    assert "takes no mail" in bare[1].said
    assert "no DKIM key at key1._domainkey.house.test" in bare[2].said


def test_a_key_that_was_withdrawn_is_none() -> None:
    found = of_domain({**GOOD, (f"key1._domainkey.{NAME}", "TXT"): ['"v=DKIM1; p="']})[-1]
    assert (found.state, "withdrawn" in found.said) == (ERROR, True)


def test_without_a_selector_nobody_knows_of_dkim() -> None:
    found = of_domain(GOOD, selector="")[-1]
    assert (found.state, "[capture] dkim" in found.said) == (UNKNOWN, True)


def test_a_dns_that_is_silent_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "PATIENCE", 0.1)
    with name_server({}, silent=True) as address:
        found = list(mail.domain(f"desk@{NAME}", "key1", mail.Resolver(address)))
    assert {one.state for one in found} == {UNKNOWN}
    assert all("gave no answer" in one.said for one in found)


# The mail server


def test_a_mail_server_that_lets_us_in_is_well_and_gets_nothing() -> None:
    with mail_server() as server:
        assert mail.server(server.url, f"desk@{NAME}").state == WELL
        assert server.messages == []


def test_one_that_is_away_is_told() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        found = mail.server(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", f"desk@{NAME}")
    assert (found.state, "cannot be reached" in found.said) == (ERROR, True)
    assert answers("nonsense", NAME).state == "later"


# The machine


def test_a_disk_that_lies_is_noticed(tmp_path: Path) -> None:
    ticks = itertools.count()
    instant = machine.syncs(tmp_path, lambda: next(ticks) * 1e-6)
    assert (instant.state, "which none can" in instant.said) == (WARNING, True)
    slow = machine.syncs(tmp_path, lambda: next(ticks) * 0.2)
    assert (slow.state, "every visitor waits" in slow.said) == (WARNING, True)
    assert machine.syncs(tmp_path, lambda: next(ticks) * 1e-3) == Finding(
        WELL, "disk", "the disk keeps 1,000 writes a second"
    )
    assert list(tmp_path.iterdir()) == []
    assert machine.syncs(tmp_path / "nowhere").state == ERROR


def test_room_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, state in ((50 << 20, ERROR), (1 << 30, WARNING), (50 << 30, WELL)):
        monkeypatch.setattr(
            machine.shutil, "disk_usage", lambda _, free=free: os.terminal_size((0, 0)) and _Usage(free)
        )
        assert machine.room(tmp_path).state == state


class _Usage:
    def __init__(self, free: int) -> None:
        self.free, self.total = free, 100 << 30


def test_what_others_may_read_is_told(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir(mode=0o700)
    (var / FILE).touch(mode=0o600)
    assert [one.state for one in machine.permissions(var)] == [WELL]
    (var / FILE).chmod(0o644)
    assert [one.state for one in machine.permissions(var)] == [WELL], "nobody comes past the folder"
    var.chmod(0o755)
    found = list(machine.permissions(var))
    assert [one.mend for one in found] == ["chmod 700 var", f"chmod 600 var/{FILE}"]


def test_a_clock_behind_what_has_happened_is_told() -> None:
    assert machine.clock(NOW, None).state == WELL
    assert machine.clock(NOW, NOW + timedelta(minutes=1)).state == WELL
    found = machine.clock(NOW, NOW + timedelta(days=1100))
    assert (found.state, "1100 days from the future" in found.said) == (ERROR, True)


# The whole


def states(found: list[Finding], about: str) -> list[str]:
    return [one.state for one in found if one.about == about]


def test_a_house_that_is_set_up_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = replace(MANY, sender=f"desk@{NAME}")
    with mail_server() as server, name_server(GOOD) as address:
        root = make_root(tmp_path, settings, smtp=server.url)
        (root / "obverse.toml").write_text((root / "obverse.toml").read_text() + 'dkim = "key1"\n')
        let_in(root)
        assert examine(root, mail.Resolver(address)) == 0
        said = capsys.readouterr().out
        assert main(["doctor", "--root", str(root), "--dns", address, "--json"]) == 0
    assert "\nall is well\n" in said
    assert {one["state"] for one in json.loads(capsys.readouterr().out)} == {WELL}
    assert {"settings", "database", "clock", "spool", "mail", "files", "disk"} <= {
        line[8:17].strip() for line in said.splitlines()
    }


def test_what_is_wrong_is_an_exit_code_and_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_root(tmp_path, replace(MANY, url="https://shop.example", sender="hello@shop.example"), smtp="")
    keep(root / "var" / "spool", make_submission(), [make_outgoing()])
    assert main(["doctor", "--root", str(root)]) == 1
    said = capsys.readouterr().out
    for words in ("placeholder shop.example", "no mail server is known", "nobody can log in", "1 submissions wait"):
        assert words in said
    assert "→ " in said
    assert "errors, " in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("secret", "state", "words"),
    [
        (HOOK, WELL, "a secret to be signed with"),
        (f"{HOOK} {HOOK}@2026-11-23", WELL, "signed with both keys"),
        (f"{HOOK} {HOOK}@2026-11-22", WARNING, "an old key has ended"),
        ("", ERROR, "no whsec_"),
    ],
)
def test_the_keys_of_a_webhook_are_looked_at(secret: str, state: str, words: str) -> None:
    found = webhook(secret, datetime(2026, 11, 23, 23, 59, tzinfo=UTC))
    assert (found.state, words in found.said) == (state, True)


def test_a_channel_that_is_broken_is_told(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    now = datetime.now(UTC)
    with closing(Database.open("", root / "var")) as database:
        upgrade(database)
        with database.write() as connection:
            save(connection, make_submission(), [make_outgoing("https://hook.test", "webhook")], tokens("row"))
            [row] = outbox.deliveries(connection)
            outbox.stop(connection, row.id, row.target, "the receiver said 410", now)
    with name_server(GOOD) as address:
        found = next(one for one in findings(root, mail.Resolver(address), now) if one.about == "outbox")
    assert (found.state, found.mend) == (ERROR, "mend its address, then: obverse outbox resume")


def test_a_broken_database_is_told_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    (root / "var" / FILE).write_bytes(b"noise" * 2000)
    with name_server(GOOD) as address:
        found = list(findings(root, mail.Resolver(address), NOW))
    assert states(found, "database") == [ERROR]
    assert states(found, "mail")


def test_where_nothing_was_ever_started_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "obverse.toml").write_text('[site]\ntitle = "New"\n')
    assert main(["doctor", "--root", str(tmp_path)]) == 0
    assert "there is no var/ yet" in capsys.readouterr().out
    assert [one.name for one in tmp_path.iterdir()] == ["obverse.toml"]


def test_a_finding_is_a_line_and_its_mend_another() -> None:
    assert as_text(
        [Finding(ERROR, "disk", "it is full", "free some"), Finding(WELL, "mail", "it goes")]
    ).splitlines() == [
        "error   disk     it is full",
        "                 → free some",
        "well    mail     it goes",
    ]


def test_a_site_without_its_key_is_told_and_none_is_made(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    secrets = root / "var" / "secrets.toml"
    secrets.write_text('smtp = "smtp://127.0.0.1:9"\n')
    for _ in range(2):
        found = [one for one in findings(root, mail.Resolver("127.0.0.1:9"), NOW) if one.about == "key"]
        assert [one.state for one in found] == [ERROR]
        assert "proofs of work" in found[0].said
        assert "OBVERSE_KEY" in found[0].mend
    assert "key" not in secrets.read_text()
