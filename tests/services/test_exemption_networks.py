"""An exemption for one network is one at every use of what it gives, not only where the code was asked for (P8, R8)."""

from ipaddress import ip_network

from ostiary.core.exemptions.exemption import Limits
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.instants import hours
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.token import TokenForm, grant
from tests.services.door import Door
from tests.services.test_signins import approved, reason, signed_in
from tests.web.oauth.site import CLI

INSIDE, OUTSIDE = "203.0.113.40", "192.0.2.66"
NARROW = Limits(network=ip_network("203.0.113.0/24"))


def sent(door: Door, form: TokenForm, address: str) -> Issued | Refused:
    """A token request from *address*."""
    return door.run(grant(door.house, door.at_machine(address), form))


def refreshing(issued: Issued) -> TokenForm:
    """Its refresh."""
    return TokenForm("refresh_token", Shown(CLI), refresh_token=issued.refresh_token or "")


def test_r8_a_code_is_redeemed_only_inside_the_network(door: Door) -> None:
    """Refused, written down, alerted; the code that was seen elsewhere is over."""
    door.open(limits=NARROW)
    begun = door.started()
    approved(door, begun.user_code)
    assert reason(sent(door, door.form(begun.device_code), OUTSIDE)) is Reason.ELSEWHERE
    (entry,), (alert,) = door.entries(Kind.REDEMPTION_REFUSED), door.entries(Kind.ALERT)
    assert (entry["detail"]["reason"], entry["address"]) == ("elsewhere", OUTSIDE)
    assert (alert["detail"]["about"], alert["story"]) == ("used from elsewhere", entry["story"])
    assert reason(sent(door, door.form(begun.device_code), INSIDE)) is Reason.DENIED


def test_r8_a_family_is_refreshed_only_inside_the_network(door: Door) -> None:
    """One alert an hour however often it comes; the family lives for its owner."""
    door.open(limits=NARROW, length=hours(2))
    form = refreshing(signed_in(door))
    for _ in range(3):
        assert reason(sent(door, form, OUTSIDE)) is Reason.ELSEWHERE
    assert len(door.entries(Kind.REFRESH_REFUSED)) == 3
    assert len(door.entries(Kind.ALERT)) == 1
    assert isinstance(sent(door, form, INSIDE), Issued)


def test_r8_an_exemption_without_a_network_carries_on_elsewhere(door: Door) -> None:
    """Whichever of the open ones admits both places counts, and the journal says that it took over."""
    narrow = door.open(limits=NARROW, length=hours(2))
    issued = signed_in(door)
    wide = door.open(length=hours(1))
    assert isinstance(sent(door, refreshing(issued), OUTSIDE), Issued)
    (entry,) = door.entries(Kind.REFRESHED)
    assert entry["detail"]["took_over"] == {"from": narrow.id, "to": wide.id}
    begun = door.started()
    approved(door, begun.user_code)
    assert isinstance(sent(door, door.form(begun.device_code), OUTSIDE), Issued)


def test_r8_an_ended_exemption_is_told_as_ended_wherever_it_is_used(door: Door) -> None:
    """Another one for another network says nothing about it."""
    window = door.open(limits=NARROW)
    form = refreshing(signed_in(door))
    door.open(limits=NARROW)
    door.end(window)
    assert reason(sent(door, form, OUTSIDE)) is Reason.EXEMPTION_ENDED
    assert reason(sent(door, form, INSIDE)) is Reason.EXEMPTION_ENDED
    assert door.entries(Kind.ALERT) == []
