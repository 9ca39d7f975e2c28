"""
The picture: all of the organisation that every sign-in needs and that rarely changes, frozen, with the version it was
taken at.

A node keeps one in memory. The transaction that decides reads the version row again; when it moved, the picture is
taken anew and the deed runs again (`errors.Stale`). So memory may be old, and a decision never is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ostiary.core.access.kill_switch import KillSwitch
from ostiary.core.access.locations import Atlas
from ostiary.core.access.policy_set import PolicySet
from ostiary.core.directory.applications import Application, normal_identifier
from ostiary.core.words.ids import AppId, GroupId

VERSION = "picture"  # the row of `versions`
ALIASES = ("common", "organizations")


@dataclass(frozen=True, slots=True)
class Organisation:
    """The one tenant of a deployment (R20)."""

    tenant: str
    name: str
    domains: tuple[str, ...] = ()
    sample: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every name of the one tenant: its GUID, its verified domains, and the aliases (R20)."""
        return frozenset({self.tenant, *self.domains, *ALIASES})


@dataclass(frozen=True, slots=True)
class Picture:
    """One state of the organisation's registrations and policies."""

    version: int
    organisation: Organisation
    exception_group: GroupId
    policies: PolicySet
    applications: Mapping[AppId, Application] = field(default_factory=lambda: MappingProxyType({}))
    resources: Mapping[str, Application] = field(default_factory=lambda: MappingProxyType({}))
    """By normalised identifier, and by application id."""
    consents: Mapping[tuple[AppId, AppId], frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """(client, resource) -> scopes that administrators consented to."""
    atlas: Atlas = field(default_factory=Atlas)
    """The named locations, and what the geo files say of an address."""
    switch: KillSwitch = field(default_factory=KillSwitch)
    """The kill switch: whoever turns it raises the version, so that the deciding transaction sees it."""
    built_in: frozenset[str] = frozenset()
    """Models of passkeys that never leave a machine, by the operator's word (R22)."""

    def resource(self, identifier: str) -> Application | None:
        """The resource known under *identifier* (an identifier URI or an application id)."""
        return self.resources.get(normal_identifier(identifier))

    def looks_after(self, application: Application) -> frozenset[AppId]:
        """
        The resources of whose tokens *application* may know: itself, and those that it is a registered gateway of
        (R19).
        """
        gates = (self.resource(identifier) for identifier in application.gateway_for)
        return frozenset({application.id, *(gate.id for gate in gates if gate is not None)})
