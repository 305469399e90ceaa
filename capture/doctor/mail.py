"""The sender's domain and the mail server -> findings: whether others will believe that our mail is ours.

SPF (RFC 7208) says which servers may send for a domain, DKIM (RFC 6376) signs each mail by a key in the DNS, DMARC
(RFC 7489) says what to do with mail that neither speaks for, and MX records say where answers go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from capture.doctor.findings import Finding, error, unknown, warning, well
from capture.outbox.mail import answers

# Seconds for one question to the DNS.
PATIENCE = 4.0


class Unanswered(Exception):  # noqa: N818 -- it says what happened
    """The DNS gave no answer, neither that there is something nor that there is nothing. The message says why."""


class Dns(Protocol):
    """What is asked of the DNS."""

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, none when there are none. Raises Unanswered."""

    def exchanges(self, name: str) -> list[str]:
        """The mail servers of a domain by its MX records. Raises Unanswered."""


class Resolver:
    """The DNS as this machine asks it, or by the one server that is named ("127.0.0.1:5353")."""

    def __init__(self, server: str = "") -> None:
        import dns.resolver

        self._resolver = dns.resolver.Resolver(configure=not server)
        if server:
            host, _, port = server.partition(":")
            self._resolver.nameservers, self._resolver.port = [host], int(port or 53)
        self._resolver.lifetime = PATIENCE

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name; the pieces of one are joined without anything between them (RFC 7208, 3.3)."""
        return [b"".join(one.strings).decode("ascii", "replace") for one in self._asked(name, "TXT")]

    def exchanges(self, name: str) -> list[str]:
        """The mail servers of a domain."""
        return [one.exchange.to_text(omit_final_dot=True) for one in self._asked(name, "MX")]

    def _asked(self, name: str, kind: str) -> list[Any]:
        import dns.exception
        import dns.resolver

        try:
            return list(self._resolver.resolve(name, kind))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as failed:
            raise Unanswered(type(failed).__name__) from None


def server(url: str, sender: str) -> Finding:
    """Whether the mail server lets us in; nothing is sent."""
    outcome = answers(url, sender.rpartition("@")[2])
    if outcome.state == "sent":
        return well("mail", "the mail server lets us in")
    return error(
        "mail", f"the mail server does not take mail: {outcome.error}", "look at OBVERSE_SMTP, or smtp in var/"
    )


def domain(sender: str, selector: str, dns: Dns) -> Iterator[Finding]:
    """What the DNS says of the domain that mail is sent from. `selector` names the key of DKIM, "" when not known."""
    name = sender.rpartition("@")[2]
    for look in (_spf, _dmarc, _mx):
        yield _answered(look, name, dns)
    if selector:
        yield _answered(_dkim, f"{selector}._domainkey.{name}", dns)
    else:
        yield unknown(
            "mail", "DKIM could not be checked: give the selector your mail server signs with, [capture] dkim"
        )


def _answered(look: Callable[[str, Dns], Finding], name: str, dns: Dns) -> Finding:
    try:
        return look(name, dns)
    except Unanswered as failed:
        return unknown("mail", f"the DNS gave no answer about {name} ({failed})")


def _spf(name: str, dns: Dns) -> Finding:
    records = [one for one in dns.texts(name) if one.lower().split(" ")[0] == "v=spf1"]
    if not records:
        mend = "add a TXT record such as: v=spf1 include:your-mail-server.example -all"
        return error("mail", f"{name} says nowhere which servers may send its mail (SPF)", mend)
    if len(records) > 1:
        return error("mail", f"{name} has {len(records)} SPF records, so none of them counts", "make them one")
    if records[0].lower().rstrip().endswith(("+all", " all")):
        return error("mail", f"by the SPF record of {name}, any server may send its mail", "end it with -all")
    return well("mail", f"{name} says which servers may send its mail (SPF)")


def _dmarc(name: str, dns: Dns) -> Finding:
    records = [one for one in dns.texts(f"_dmarc.{name}") if one.replace(" ", "").lower().startswith("v=dmarc1")]
    if len(records) != 1:
        said = "does not say" if not records else "says more than once, so that it does not count,"
        mend = f"add a TXT record for _dmarc.{name} such as: v=DMARC1; p=quarantine"
        return warning("mail", f"{name} {said} what to do with forged mail (DMARC)", mend)
    return well("mail", f"{name} says what to do with forged mail (DMARC)")


def _mx(name: str, dns: Dns) -> Finding:
    found = [one for one in dns.exchanges(name) if one != "."]
    if not found:
        said = f"{name} takes no mail (MX), so what comes back from our mail is lost, and some servers refuse it"
        return warning("mail", said, "add MX records, or send from a domain that has them")
    return well("mail", f"{name} takes mail at {found[0]}")


def _dkim(name: str, dns: Dns) -> Finding:
    keys = [one for one in dns.texts(name) if "p=" in one.replace(" ", "")]
    if not keys:
        return error("mail", f"there is no DKIM key at {name}", "add the record that your mail server gives you")
    if all(one.replace(" ", "").partition("p=")[2].split(";")[0] == "" for one in keys):
        return error("mail", f"the DKIM key at {name} was withdrawn", "add the record that your mail server gives you")
    return well("mail", f"there is a DKIM key at {name}")
