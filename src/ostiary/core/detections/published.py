"""
Published rules on device-code abuse, and on the guardrails around it: which of ours sees the same, or why none can.

The list of what was read in November 2026. A rule names those that it covers (`Rule.covers`); every other one stands
here with the reason. A test holds that each is one or the other; `docs/detections.md` shows both tables.
"""

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["BY_ID", "PUBLISHED", "Published"]


class Published(NamedTuple):
    """A rule that somebody published."""

    id: str
    """Our short name for it, never used again for another."""
    name: str
    """As its author calls it."""
    source: str
    """Where it is published."""
    reference: str = ""
    """Its author's own id, where there is one."""
    why_not: str = ""
    """Why none of ours covers it; empty where one does."""


_SIGMA = "github.com/SigmaHQ/sigma"
_ELASTIC = "github.com/elastic/detection-rules"
_PANTHER = "github.com/panther-labs/panther-analysis"
_SENTINEL = "github.com/Azure/Azure-Sentinel"

_GRAPH_CALLS = "what a token is used for at another API is in that API's log, not in ours"
_MAIL = "what is in mail, and who clicks on it, is not in our log"
_BROKER = "there is no broker application and no token of its kind here: a sign-in is for the resource that it named"
_MICROSOFT = "of Microsoft's own tenant logs; nothing like it happens here"

PUBLISHED: tuple[Published, ...] = (
    Published("sigma-248649b7", "Application Using Device Code Authentication Flow", _SIGMA,
              "248649b7-d64f-46f0-9fb2-a52774166fb5",
              "it tells of every use; here each one stands in the sign-in log, and is let in by an exemption"),
    Published("sigma-e0e121d0", "EvilTokens PhaaS request, proxy", _SIGMA, "e0e121d0-be4d-4281-af7e-17abbba4a408",
              "what people's browsers fetch elsewhere is in a proxy's log, not in ours"),
    Published("elastic-3db029b3", "Entra ID OAuth Device Code Flow with Concurrent Sign-ins", _ELASTIC,
              "3db029b3-fbb7-4697-ad07-33cbfd5bd080"),
    Published("elastic-aa04377a", "Device Code Sign-in to Azure AD Graph Enumeration", _ELASTIC,
              "aa04377a-19b5-4940-952f-aad173790d23", _GRAPH_CALLS),
    Published("elastic-e3bd85e9", "Entra ID Concurrent Sign-in with Suspicious Properties", _ELASTIC,
              "e3bd85e9-7aff-46eb-b60e-20dfc9020d98"),
    Published("elastic-a83b3dac", "Device Code Grant by Microsoft Authentication Broker", _ELASTIC,
              "a83b3dac-325a-11ef-b3e6-f661ea17fbce", _BROKER),
    Published("elastic-af22d970", "Device Code Grant by Unusual User", _ELASTIC,
              "af22d970-7106-45b4-b5e3-460d15333727"),
    Published("elastic-4b11dbab", "Kali365 Default User-Agent", _ELASTIC, "4b11dbab-ce37-49c4-bdf1-cdf64b405d96"),
    Published("elastic-e5420ced", "Device Code Phishing via AiTM (Tycoon)", _ELASTIC,
              "e5420ced-bc42-4783-a8df-99320567e090", _BROKER),
    Published("elastic-d2c02b2b", "AiTM Phishing-Kit Chain", _ELASTIC, "d2c02b2b-bd01-4d4a-a17a-8df8f357b015"),
    Published("elastic-fcd2e4be", "M365 OAuth Flow by User Sign-in to Device Registration", _ELASTIC,
              "fcd2e4be-6ec4-482f-9222-6245367cd738"),
    Published("elastic-ed2461e1", "M365 Device Code Grant with Unusual User and ASN", _ELASTIC,
              "ed2461e1-d6bf-4550-87b9-c008d6ac15f4"),
    Published("elastic-7e2abdb3", "M365 Device Code Grant by Unusual User, non-compliant", _ELASTIC,
              "7e2abdb3-c7b0-4e11-ba2f-6657602800a1"),
    Published("elastic-b54528ca", "Hunt: Device Code from Unusual Principal", _ELASTIC,
              "b54528ca-eec8-11ef-b314-f661ea17fbce"),
    Published("elastic-d27f1da8", "Hunt: sign-ins from abused hosting providers", _ELASTIC,
              "d27f1da8-eec6-11ef-983a-f661ea17fbce"),
    Published("panther-broker", "Azure.Audit.DeviceCodeBrokerClient", _PANTHER, "", _BROKER),
    Published("panther-first-time", "Entra ID First Time Seen Device Code Authentication", _PANTHER),
    Published("panther-aws-sso", "AWS SSO access token retrieved by unauthenticated address", _PANTHER),
    Published("splunk-d68d8732", "Azure AD Device Code Authentication", "github.com/splunk/security_content",
              "d68d8732-6f7e-4ee5-a6eb-737f2b990b91",
              "it tells of every use; here each one stands in the sign-in log, and is let in by an exemption"),
    Published("sentinel-b64655b6", "Cross-Origin device code", _SENTINEL, "b64655b6-db98-44f1-8188-707d372c35c5"),
    Published("chronicle-8b29e3d1", "entra_id_devicecode_phishing_attack", "github.com/chronicle/detection-rules",
              "mr_8b29e3d1-5c42-4f91-9aef-b673ad89f0e4", _MAIL),
    Published("hybridbrothers-user-risk", "Detect device code login with user risk",
              "github.com/HybridBrothers/Hunting-Queries-Detection-Rules", "",
              "a person's risk is made of these findings; one about it would look at itself"),
    Published("mxdr365-50199", "50199 pairing", "MXDR365",
              "", "it rebuilds from error numbers that a code was confirmed; here that is an entry of its own"),
    Published("storm-2372-click", "Possible device code phishing attempts", "microsoft.com/security/blog, 2025-02-13",
              "", _MAIL),
    Published("sentinel-562647c0", "Device code authentication from unseen autonomous system", _SENTINEL,
              "562647c0-5edb-4a47-afa2-fa662efa89bf"),
    Published("kqlsearch-multiple", "Multiple Suspicious Device Code Authentication", "kqlsearch.com"),
    Published("storm-2372-drs", "Storm-2372: device registration after device code",
              "microsoft.com/security/blog, 2025-02-13"),
    Published("ms-2026-04-ranges", "Cmsi:cmsi from campaign ranges", "microsoft.com/security/blog, 2026-04-06", "",
              "addresses of one campaign grow old in weeks; block them as a named location of a policy"),
    Published("ms-2026-04-inbox", "Inbox rules with special-character names; MailItemsAccessed from uncommon ISP",
              "microsoft.com/security/blog, 2026-04-06", "", _MAIL),
    Published("defender-xdr", "Defender XDR alerts on device code authentication", "learn.microsoft.com", "",
              "their logic is not published; what their names say is spread over several of ours"),
    Published("dstreefkerk", "KQL set: device code by application and person, with first seen",
              "github.com/dstreefkerk"),
    Published("kqlsearch-e0f6a8b9", "Device code by non-compliant device", "kqlsearch.com"),
    Published("newton-paul-2025-042", "Device code visibility", "newton-paul.pages.dev/hunts", "2025-042",
              "it tells of every use; here each one stands in the sign-in log, and is let in by an exemption"),
    Published("newton-paul-2025-043", "First device code sign-in in 30 days", "newton-paul.pages.dev/hunts",
              "2025-043"),
    Published("lexlabtools-01", "Successful device code sign-in, high from an odd address or first-seen application",
              "lexlabtools.com", "01"),
    Published("trackr-broker", "Non-interactive sign-ins on the broker after device code", "trackr.live", "", _BROKER),
    Published("eye-security", "Device code outside a trusted location, then a device is registered",
              "research.eye.security"),
    Published("silverfort", "Silverfort device-code policy", "silverfort.com", "",
              "a product's blocking; here policy blocks, closed by default"),
    Published("datadog-def-000-a7l", "GitHub OAuth token used from multiple ASN/user agents", "docs.datadoghq.com",
              "def-000-a7l"),
    Published("sublime-61f3ae67", "Microsoft device code phishing", "sublime.security", "61f3ae67", _MAIL),
    Published("sublime-0301b27d", "Link: Microsoft device code authentication with suspicious indicators",
              "sublime.security", "0301b27d-8208-5a29-bdb1-f4c11e22eafd", _MAIL),
    Published("elastic-82629eed", "Phishing kit's default OS build in a device registration", _ELASTIC,
              "82629eed-5516-446e-ad73-03b8c4f4d571",
              "an enrolment proves a key and says little of its system; a build would be what a kit chooses to say"),
    Published("elastic-47f1d35c", "The same, in the device inventory", _ELASTIC,
              "47f1d35c-8ee2-43c9-9651-90f840a0630f",
              "an enrolment proves a key and says little of its system; a build would be what a kit chooses to say"),
    Published("elastic-960b1cef", "Multiple Device Registrations by a Single User", _ELASTIC,
              "960b1cef-f94d-4150-863d-b1dc311739de"),
    Published("elastic-80aa6cca", "ROADrecon aiohttp enumeration", _ELASTIC, "80aa6cca-b343-457b-877e-5877cd71a1f8",
              _GRAPH_CALLS),
    Published("elastic-491651da", "SharePoint and OneDrive by PowerShell", _ELASTIC,
              "491651da-125b-11f1-af7d-f661ea17fbce", _GRAPH_CALLS),
    Published("elastic-0e524fa6", "Excessive downloads", _ELASTIC, "0e524fa6-eed3-11ef-82b4-f661ea17fbce",
              _GRAPH_CALLS),
    Published("elastic-1c3d9346", "Obfuscated inbox rule", _ELASTIC, "1c3d9346-4591-4894-935c-dad2824850f2", _MAIL),
    Published("elastic-4f2654e4", "Sensitive SharePoint search", _ELASTIC, "4f2654e4-125b-11f1-af7d-f661ea17fbce",
              _GRAPH_CALLS),
    Published("sigma-91c95675", "User added to group with CA policy modification access", _SIGMA, "91c95675"),
    Published("sigma-665e2d43", "User removed from such a group", _SIGMA, "665e2d43"),
    Published("sigma-50a3c7aa", "CA policy updated by non-approved actor", _SIGMA, "50a3c7aa"),
    Published("sigma-039a7469", "PIM approvals and denials", _SIGMA, "039a7469"),
    Published("sigma-db6c06c4", "PIM settings changed", _SIGMA, "db6c06c4"),
    Published("sigma-542b9912", "Device no longer managed or compliant", _SIGMA, "542b9912"),
    Published("sigma-4f77e1d7", "Sign-ins from non-compliant devices", _SIGMA, "4f77e1d7"),
    Published("sigma-4d136857", "Sign-ins by unknown devices", _SIGMA, "4d136857"),
    Published("sigma-645fd80d", "Role activated too often", _SIGMA, "645fd80d"),
    Published("sentinel-ca-changed", "Conditional access policy disabled, deleted, set to report only, or its "
              "exclusions changed", _SENTINEL),
    Published("sentinel-outside-pim", "PrivlegedRoleAssignedOutsidePIM", _SENTINEL),
    Published("sentinel-pim-rejected", "PIMElevationRequestRejected", _SENTINEL),
    Published("sentinel-ca-blocked-spikes", "UserAccounts-CABlockedSigninSpikes", _SENTINEL),
    Published("sentinel-bypass", "BypassCondAccessRule", _SENTINEL, "", _MICROSOFT),
)  # fmt: skip

BY_ID = {rule.id: rule for rule in PUBLISHED}


def left_out() -> Iterator[Published]:
    """Those that none of ours covers."""
    return (rule for rule in PUBLISHED if rule.why_not)
