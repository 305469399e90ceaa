"""Case 34: 200,000 distinct IPv6 addresses in one /48 are one network, and what is remembered is bounded.

That limits survive a restart is not built yet.
"""

import random

from capture.limits import Limits
from capture.posting import network_of


def test_a_whole_network_has_one_bucket() -> None:
    chance, limits = random.Random(34), Limits()
    addresses = (f"2001:db8:7:{chance.getrandbits(16):x}::{chance.getrandbits(16):x}" for _ in range(20_000))
    let_in = sum(not limits.wait(network_of(one), "contact", 30, 1e9) for one in addresses)
    assert (let_in, len(limits)) == (30, 1)


def test_many_networks_are_not_all_remembered_and_share_one_cap() -> None:
    limits = Limits(room=500, total=1000)  # a float of seconds may cost one of the thousand
    let_in = sum(not limits.wait(f"2001:db8:{number:x}::/48", "contact", 30, 1e9) for number in range(20_000))
    assert (let_in in (999, 1000), len(limits)) == (True, 500)
