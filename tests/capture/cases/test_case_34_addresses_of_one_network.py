"""Case 34: 200,000 distinct IPv6 addresses in one /48 are one network, and what is remembered is bounded.

That limits survive a restart is not built yet.
"""

import random

from capture.limits import Limit, Limits, Room
from capture.posting import network_of


def let_in(limits: Limits, network: str, at_form: int = 10**6) -> bool:
    both = [Limit(("network", network), 30), Limit(("form", "contact"), at_form)]
    return limits.take(both, 10, 1e9) == Room()


def test_a_whole_network_has_one_bucket() -> None:
    chance, limits = random.Random(34), Limits()
    addresses = (f"2001:db8:7:{chance.getrandbits(16):x}::{chance.getrandbits(16):x}" for _ in range(20_000))
    assert (sum(let_in(limits, network_of(one)) for one in addresses), len(limits)) == (30, 2)


def test_many_networks_are_not_all_remembered_and_share_one_limit() -> None:
    limits = Limits(room=500)
    came = sum(let_in(limits, f"2001:db8:{number:x}::/48", 1000) for number in range(20_000))
    # A float of seconds may cost one of the thousand.
    assert (came in (999, 1000), len(limits)) == (True, 500)
