"""Two ends whose messages are lost, doubled and reordered: whatever happens, they find each other again."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.protocols.wireguard.ends import Net, as_is, packet
from tunnel.protocols.wireguard.constants import SECOND, TRANSPORT, Limits

SQUEEZED = Limits(
    rekey_ns=12 * SECOND, reject_ns=30 * SECOND, retry_ns=SECOND, keepalive_ns=2 * SECOND, jitter_ns=SECOND // 4
)
FATES = st.lists(st.sampled_from(["pass", "pass", "pass", "lose", "double", "delay"]), min_size=1, max_size=60)
STEPS = st.lists(
    st.one_of(st.sampled_from(["a", "b"]), st.floats(0.01, 40, allow_nan=False)), min_size=1, max_size=20
)


class Rough:
    """A path with a fate for each message, over and over; what is delayed comes behind the next."""

    def __init__(self, fates):
        self.fates, self.number, self.late = fates, 0, {}

    def __call__(self, sender, message):
        fate = self.fates[self.number % len(self.fates)]
        self.number += 1
        late = self.late.pop(sender, [])
        if fate == "delay":
            self.late[sender] = [message]
            return late
        return {"pass": [message], "lose": [], "double": [message, message]}[fate] + late


def counters(net):
    """How often each nonce of each session was used."""
    return Counter(message[4:16] for _, message in net.seen if message[0] == TRANSPORT)


@settings(max_examples=60, deadline=None)
@given(STEPS, FATES)
def test_whatever_is_lost_they_find_each_other_and_nothing_comes_twice(steps, fates):
    net = Net(SQUEEZED, Rough(fates))
    for number, step in enumerate(steps):
        if isinstance(step, str):
            net.send(getattr(net, step), b"%d" % number)
        else:
            net.run(step)
    net.path = as_is
    net.run(40)
    for sender, receiver in ((net.a, net.b), (net.b, net.a)):
        net.send(sender, b"at last")
        net.run(3)
        assert receiver.delivered[-1] == packet(sender.number, receiver.number, b"at last")
    for end in (net.a, net.b):
        assert max(Counter(end.delivered).values()) == 1
    assert max(counters(net).values()) == 1
