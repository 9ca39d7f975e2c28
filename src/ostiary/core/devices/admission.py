"""
The organisation's own rule about machines that nobody looks at: off, or narrow.

It admits a machine only when its owner took a ticket for it (so that is proved, not said), stands in one group, asks
from one of the named networks, and holds few machines yet. Such a machine is registered, and neither managed nor
compliant: that, others say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from ostiary.core.devices.device import LONGEST
from ostiary.core.words.ids import GroupId
from ostiary.core.words.instants import Span, days
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["OFF", "AdmissionRule", "read_rule", "rule_document", "rule_from"]

MOST_NETWORKS = 50
MOST_DEVICES = 20
SHORTEST = days(1)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class AdmissionRule:
    """What admits without asking; the default admits nobody."""

    enabled: bool = False
    group: GroupId | None = None
    """Whose members' machines."""
    networks: tuple[Network, ...] = ()
    """Where they must ask from."""
    most: int = 2
    """Machines of one person."""
    lifetime: Span = days(30)

    def admits(self, *, groups: frozenset[GroupId], address: str, held: int) -> bool:
        """Whether a machine of somebody in *groups* who holds *held* already, asking from *address*, is admitted."""
        return self.enabled and self.group in groups and held < self.most and self._inside(address)

    def _inside(self, address: str) -> bool:
        try:
            place = ip_address(address)
        except ValueError:
            return False
        return any(place in network for network in self.networks if network.version == place.version)


OFF = AdmissionRule()


def read_rule(old: AdmissionRule, changes: Mapping[str, Any]) -> AdmissionRule | Refused:
    """
    *old* with *changes* (`enabled`, `group`, `networks`, `most`, `lifetime`). INVALID_VALUE for what would admit
    without a group or a network, or for longer than an administrator may.
    """
    try:
        networks = tuple(ip_network(text) for text in changes["networks"]) if "networks" in changes else old.networks
    except ValueError:
        detail = "A network such as 203.0.113.0/24 is needed, with no bits set beyond its length."
        return Refused(Reason.INVALID_VALUE, detail, field="networks")
    group = changes.get("group", old.group)
    new = AdmissionRule(
        changes.get("enabled", old.enabled), GroupId(group) if group else None, networks,
        changes.get("most", old.most), Span(changes.get("lifetime", old.lifetime)),
    )  # fmt: skip
    if new.enabled and not (new.group and new.networks):
        return Refused(Reason.INVALID_VALUE, "It needs a group and a network before it is on.", field="isEnabled")
    if not 0 < new.most <= MOST_DEVICES or not SHORTEST <= new.lifetime <= LONGEST:
        text = f"1 to {MOST_DEVICES} machines of a person, for 1 to 366 days."
        return Refused(Reason.INVALID_VALUE, text, field="maximumPerPerson")
    if len(networks) > MOST_NETWORKS:
        return Refused(Reason.INVALID_VALUE, f"At most {MOST_NETWORKS} networks.", field="networks")
    return new


def rule_document(rule: AdmissionRule) -> dict[str, Any]:
    """As it is stored, and as entries show it."""
    return {
        "enabled": rule.enabled,
        "group": rule.group,
        "networks": [str(network) for network in rule.networks],
        "most": rule.most,
        "lifetime": rule.lifetime,
    }


def rule_from(document: Mapping[str, Any]) -> AdmissionRule:
    """Read `rule_document`."""
    networks = tuple(ip_network(text) for text in document["networks"])
    return AdmissionRule(
        document["enabled"], document["group"], networks, document["most"], Span(document["lifetime"])
    )  # fmt: skip
