"""
Policies and sign-ins out of one seed: every condition and every control that there is, quick, and the same each time.

Documents are Graph's JSON with ours beside it, as an administrator might have written them; facts are known, known to
be none, or unknown, each by itself.
"""

from random import Random
from typing import Any

from ostiary.core.access.facts import TRUSTED, UNKNOWN, DeviceFacts, Facts, Place
from ostiary.core.words.ids import AppId

RULES = (
    "device.isCompliant -eq True",
    "device.isCompliant -ne True",
    'device.model -startsWith "x" -or device.deviceId -eq "d"',
    'device.trustType -notIn ["AzureAD"] -and -not (device.model -contains "9")',
)
"""Rules about devices; `naive.RULES` says of each by hand what it means."""
DEVICES = (
    None, UNKNOWN, DeviceFacts("d"), DeviceFacts("D", compliant=True, managed=True, key_bound=True),
    DeviceFacts("e", managed=True, attributes={"model": "X9", "trustType": "AzureAD"}),
    DeviceFacts("f", compliant=True, attributes={"model": "y", "trustType": None}),
)  # fmt: skip
NEARNESS = ("sameAddress", "samePrefix", "sameAsn", "sameNamedLocation", "sameCountry")
STRENGTHS = tuple(f"00000000-0000-0000-0000-00000000000{n}" for n in (2, 3, 4))
OSLO, BERGEN = (599_139, 107_522), (603_913, 53_221)
"""306 kilometres from each other."""
SCOPES = ("Read", "Write", "offline_access")


class Dice:
    """What is drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def some(self, *values: Any) -> list[Any]:
        """Some of *values*, or none."""
        return [value for value in values if self.random.random() < 0.4]

    def one(self, *values: Any) -> Any:
        """One of *values*."""
        return self.random.choice(values)

    def perhaps(self, value: Any) -> Any:
        """*value*, or mostly nothing: each condition narrows, and policies that match nobody show little."""
        return value if self.random.random() < 0.15 else None

    def told(self, *values: Any) -> Any:
        """One of *values*, or now and then nothing that anybody knows."""
        return UNKNOWN if self.random.random() < 0.12 else self.random.choice(values)

    # ---- policies

    def policy(self, **changes: Any) -> dict[str, Any]:
        """A policy that can be enforced; *changes* replace top fields."""
        block = self.random.random() < 0.25
        return {
            "displayName": "p",
            "state": self.one("enabled", "enabled", "enabled", "disabled", "enabledForReportingButNotEnforced"),
            "conditions": self._conditions(),
            "grantControls": {"operator": "OR", "builtInControls": ["block"]} if block else self._grant(),
            "sessionControls": None if block else self.perhaps({"signInFrequency": self._frequency()}),
            "ostiary": {
                "conditions": {
                    "requesterLocations": self.perhaps(self._places()), "requesterDevice": self.perhaps(self._filter())
                },
                "controls": {} if block else self._controls(),
                "limits": self.perhaps({"accessMinutes": self.one(2, 10, None), "sessionHours": self.one(1, 8, None)}),
            },
            **changes,
        }  # fmt: skip

    def _conditions(self) -> dict[str, Any]:
        flow = self.one("", "deviceCodeFlow", "deviceCodeFlow,authenticationTransfer")
        return {
            "users": {
                "includeUsers": self.one(["All"], ["All"], ["All"], ["None"], self.some("a", "b")),
                "excludeUsers": self.perhaps(["a"]),
                "includeGroups": self.some("g"), "excludeGroups": self.perhaps(["h"]),
                "includeRoles": self.some("administrator"), "excludeRoles": self.perhaps(["auditor"]),
            },
            "applications": {
                "includeApplications": self.one(["All"], ["All"], ["x", "y"], ["y"]),
                "excludeApplications": self.perhaps(["x"]),
            },
            "clientAppTypes": self.one(
                ["all"], ["all"], ["all"], ["browser"], ["mobileAppsAndDesktopClients", "other"]
            ),
            "authenticationFlows": {"transferMethods": flow},
            "platforms": self.perhaps(
                {"includePlatforms": self.one(["all"], ["linux"]), "excludePlatforms": self.some("iOS")}
            ),
            "locations": self.perhaps(self._places()),
            "signInRiskLevels": self.perhaps(self.one(["high"], ["high", "medium"])),
            "userRiskLevels": self.perhaps(["none"]),
            "devices": self.perhaps(self._filter()),
            "clientApplications": self.perhaps(
                {
                    "includeServicePrincipals": self.one([], ["w"], ["ServicePrincipalsInMyTenant"]),
                    "excludeServicePrincipals": self.some("v"),
                }
            ),
        }  # fmt: skip

    def _places(self) -> dict[str, Any]:
        return {
            "includeLocations": self.some("All", "l1", TRUSTED) or ["l2"], "excludeLocations": self.some("l1", "l2"),
        }  # fmt: skip

    def _filter(self) -> dict[str, Any]:
        return {"deviceFilter": {"mode": self.one("include", "exclude"), "rule": self.one(*RULES)}}

    def _grant(self) -> dict[str, Any]:
        controls = self.some("mfa", "compliantDevice") or self.some("compliantDevice")
        grant: dict[str, Any] = {"operator": self.one("AND", "OR"), "builtInControls": controls}
        if "mfa" not in controls and (not controls or self.random.random() < 0.5):
            grant["authenticationStrength"] = {"id": self.one(*STRENGTHS)}
        return grant

    def _frequency(self) -> dict[str, Any]:
        return self.one(
            {"isEnabled": True, "frequencyInterval": "everyTime"}, {"isEnabled": False},
            {"isEnabled": True, "type": "hours", "value": 1, "frequencyInterval": "timeBased"},
        )  # fmt: skip

    def _controls(self) -> dict[str, Any]:
        near = {
            "allOf": self.some(*NEARNESS)[:2], "anyOf": self.some(*NEARNESS), "maxKilometres": self.one(None, 100, 310),
        }  # fmt: skip
        return {
            "proximity": near if any(near.values()) and self.random.random() < 0.4 else None,
            "requesterDevice": self.perhaps(self.some("registered", "managed", "compliant", "keyBound")),
            "numberConfirmation": self.one(True, False, None, None),
            "startTicket": self.one(True, False, None, None, None),
            "referenceBinding": self.one(True, False, None, None, None),
            "machineBinding": self.one(True, False, None, None, None),
            "scopes": self.perhaps([*self.some("Read", "offline_access"), *self.some("x/Write", "y/Write")]),
        }

    # ---- sign-ins

    def place(self) -> Place:
        """Somewhere."""
        sure = frozenset(self.some("l1", "l2", TRUSTED))
        unsure = frozenset(self.some("l1", "l2", TRUSTED)) - sure if self.random.random() < 0.3 else frozenset()
        return Place(
            self.told("203.0.113.9", "203.0.113.77", "198.51.100.7"), self.told("NO", "SE", None),
            self.told(64500, 64501, None), self.told(OSLO, BERGEN, None), self.told(sure), unsure,
        )  # fmt: skip

    def facts(self, *, platform: bool = False) -> Facts:
        """A sign-in; its *platform* known, where the treatment has a rule of its own for an unknown one."""
        system = self.one("linux", "iOS") if platform else self.told("linux", "iOS")
        return Facts(
            user=self.told("a", "b", "b", None), groups=self.told(frozenset(self.some("g", "h"))),
            roles=self.told(frozenset(self.some("administrator", "auditor"))), application=AppId("cli"),
            resource=self.told("x", "y"), scopes=self.told(frozenset(self.some(*SCOPES))),
            client_type=self.told("browser", "mobileAppsAndDesktopClients", "workload"),
            transfer_method=self.told("deviceCodeFlow", "deviceCodeFlow", None),
            amr=self.told(
                ("pwd",), ("pwd", "otp", "mfa"), ("pwd", "hwk", "mfa"), ("hwk", "user", "mfa"), ("hwk",),
                ("hwk", "otp", "mfa"), ("swk", "pin", "mfa"), ("pop", "mfa"),
            ),
            proof_age=self.told(0, 300, 301, 3600, 3601), platform=system,
            sign_in_risk=self.told("high", "medium", "none"), user_risk=self.told("none", "low"),
            person=self.place(), requester=self.place(), person_device=self.one(*DEVICES),
            requester_device=self.one(*DEVICES), number_confirmed=self.told(True, False, None),
            start_ticket=self.told(True, False), reference_bound=self.told(True, False, None),
            machine_bound=self.told(True, False, None),
            service_principal=self.told(None, None, "v", "w"),
        )  # fmt: skip
