"""
Scopes: the grammar, R3's rule about device codes, consent, and R7's narrowing.
"""

from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.picture import Organisation, Picture
from ostiary.core.access.policy_set import compile_set
from ostiary.core.directory.applications import Application, Scope, normal_identifier
from ostiary.core.tokens.scopes import ADMIN_API, Asked, answer_text, parse, reach, renew, split, stored
from ostiary.core.words.ids import AppId, GroupId
from ostiary.core.words.outcome import Reason, Refused

ORIGIN = "https://login.example:8443"
ARM = "https://management.core.windows.net/"
OURS = Application(
    ADMIN_API, "o", "Admin", admin_api=True, identifier_uris=(ORIGIN,),
    scopes=(Scope("User.Read", ""), Scope("Directory.Read.All", ""), Scope("User.ReadWrite.All", "", True)),
)  # fmt: skip
MANAGEMENT = Application(
    AppId("arm"), "o", "Management", identifier_uris=(ARM,), scopes=(Scope("user_impersonation", ""),)
)
UNUSED = Application(AppId("unused"), "o", "Unused", identifier_uris=("api://unused",), scopes=(Scope("Read", ""),))
SHUT = Application(AppId("shut"), "o", "Shut", enabled=False, identifier_uris=("api://shut",))
CLIENT = Application(AppId("client"), "o", "Client", reach=(ARM, "api://unused", "api://nowhere", "api://shut"))


def picture(**consents: str) -> Picture:
    """The organisation, with the client's consents by resource (``ours``, ``arm``, ``unused``)."""
    apps = (OURS, MANAGEMENT, UNUSED, SHUT, CLIENT)
    named = {normal_identifier(uri): app for app in apps for uri in app.identifier_uris}
    known = {AppId(ADMIN_API if name == "ours" else name): frozenset(text.split()) for name, text in consents.items()}
    return Picture(
        1, Organisation("tenant", "Example"), GroupId("x"), compile_set([]),
        applications=MappingProxyType({app.id: app for app in apps}),
        resources=MappingProxyType({**named, **{app.id: app for app in apps}}),
        consents=MappingProxyType({(CLIENT.id, resource): scopes for resource, scopes in known.items()}),
    )  # fmt: skip


FULL = picture(ours="User.Read Directory.Read.All User.ReadWrite.All", arm="user_impersonation")


def asked(text: str, *, device: bool = True, of: Picture = FULL) -> Asked:
    """What may be granted of *text*."""
    found = parse(text, of, client=CLIENT, device=device)
    assert isinstance(found, Asked), found
    return found


@pytest.mark.parametrize(
    ("text", "resource", "scopes", "openid"),
    [
        ("User.Read", ADMIN_API, ("User.Read",), ""),
        ("Directory.Read.All User.Read", ADMIN_API, ("User.Read", "Directory.Read.All"), ""),
        (f"{ORIGIN}/User.Read openid", ADMIN_API, ("User.Read",), "openid"),
        (f"{ORIGIN}/.default", ADMIN_API, ("User.Read", "Directory.Read.All"), ""),
        ("https://login.example/.default", ADMIN_API, ("User.Read", "Directory.Read.All"), ""),
        (f"{ADMIN_API}/.default", ADMIN_API, ("User.Read", "Directory.Read.All"), ""),
        (f"{ARM}/.default offline_access openid", "arm", ("user_impersonation",), "offline_access openid"),
        ("https://management.core.windows.net/.default", "arm", ("user_impersonation",), ""),
        ("HTTPS://Management.Core.Windows.NET/user_impersonation", "arm", ("user_impersonation",), ""),
        ("openid profile email offline_access", ADMIN_API, ("User.Read",), "openid profile email offline_access"),
        ("", ADMIN_API, ("User.Read",), ""),
        ("  openid   openid ", ADMIN_API, ("User.Read",), "openid"),
    ],
)  # fmt: skip
def test_scopes_name_one_resource_and_what_of_it(
    text: str, resource: str, scopes: tuple[str, ...], openid: str
) -> None:
    """Each form that a real client was seen to send."""
    found = asked(text)
    assert (found.resource.id, found.scopes) == (resource, scopes)
    assert found.openid == frozenset(openid.split())


def test_r3_default_leaves_administrative_scopes_out_of_a_device_request_only() -> None:
    """A browser's `.default` has them, a device code's never."""
    assert "User.ReadWrite.All" in asked(f"{ORIGIN}/.default", device=False).scopes
    assert "User.ReadWrite.All" not in asked(f"{ORIGIN}/.default", device=True).scopes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("User.ReadWrite.All", Reason.PRIVILEGED_SCOPE),
        (f"User.Read {ORIGIN}/User.ReadWrite.All", Reason.PRIVILEGED_SCOPE),
        (f"{ORIGIN}/.default User.ReadWrite.All", Reason.PRIVILEGED_SCOPE),
        ("Nothing.Such", Reason.INVALID_SCOPE),
        ("user.read", Reason.INVALID_SCOPE),
        (f"User.Read {ARM}/.default", Reason.INVALID_SCOPE),
        ("https://nowhere.example/.default", Reason.UNKNOWN_RESOURCE),
        ("http://login.example/.default", Reason.UNKNOWN_RESOURCE),
        ("api://shut/.default", Reason.UNKNOWN_RESOURCE),
        ("api://unused/.default", Reason.NO_CONSENT),
        ("api://unused/Read", Reason.NO_CONSENT),
        ("a" * 4097, Reason.INVALID_SCOPE),
        (" ".join(f"s{n}" for n in range(65)), Reason.INVALID_SCOPE),
        ('User.Read"', Reason.INVALID_SCOPE),
        ("User.Read\tprofile", Reason.INVALID_SCOPE),
        ("Üser.Read", Reason.INVALID_SCOPE),
    ],
)
def test_what_cannot_be_granted_is_refused_and_never_dropped(text: str, reason: Reason) -> None:
    """R3: an administrative scope that was named is an error, not a smaller token."""
    found = parse(text, FULL, client=CLIENT, device=True)
    assert isinstance(found, Refused)
    assert found.reason is reason


def test_consent_to_what_is_no_longer_exposed_gives_nothing() -> None:
    """The registration counts as it is now."""
    assert parse(f"{ARM}/.default", picture(arm="gone"), client=CLIENT, device=True) == Refused(Reason.NO_CONSENT)


def test_openid_alone_needs_no_consent_to_a_resource() -> None:
    """Signing in and nothing else: the registration itself allows it."""
    found = asked("openid profile", of=picture())
    assert (found.scopes, found.openid) == ((), frozenset({"openid", "profile"}))


def test_nothing_asked_and_nothing_consented_is_refused() -> None:
    """An empty token is for nobody."""
    assert parse("", picture(), client=CLIENT, device=True) == Refused(Reason.NO_CONSENT)


def test_the_words_come_back_as_they_were_asked() -> None:
    """Clients cache a token under the words they used, the double slash included."""
    found = asked(f"{ARM}/.default openid")
    text = answer_text(found.resource, found.scopes, found.openid, found.words)
    assert text.split() == [f"{ARM}/.default", f"{ARM}/user_impersonation", "openid"]
    ours = asked("User.Read profile")
    assert answer_text(ours.resource, ours.scopes, ours.openid, ours.words).split() == ["User.Read", "profile"]


def test_the_reach_is_what_the_registration_lists_and_consent_gives() -> None:
    """R7: unknown, disabled and unconsented resources are not in it."""
    assert reach(FULL, CLIENT, device=True) == {"arm": ("user_impersonation",)}


HELD = ("User.Read", "Directory.Read.All", "openid", "offline_access")
REACH = {AppId("arm"): ("user_impersonation",)}


def renewed(text: str, of: Picture = FULL) -> Asked | Refused:
    """A refresh of a session that holds HELD of the admin API and reaches REACH."""
    return renew(text, of, client=CLIENT, resource=ADMIN_API, held=HELD, reach=REACH)


@pytest.mark.parametrize(
    ("text", "resource", "scopes"),
    [
        ("", ADMIN_API, ("User.Read", "Directory.Read.All")),
        ("User.Read openid profile offline_access", ADMIN_API, ("User.Read",)),
        (f"{ORIGIN}/.default", ADMIN_API, ("User.Read", "Directory.Read.All")),
        ("openid", ADMIN_API, ("User.Read", "Directory.Read.All")),
        (f"{ARM}/.default", "arm", ("user_impersonation",)),
    ],
)
def test_r7_a_refresh_gets_what_was_fixed(text: str, resource: str, scopes: tuple[str, ...]) -> None:
    """The session's own resource, or one that it reaches; `.default` means what it meant then."""
    found = renewed(text)
    assert isinstance(found, Asked)
    assert (found.resource.id, found.scopes) == (resource, scopes)
    assert found.openid <= frozenset({"openid", "offline_access"})


@pytest.mark.parametrize("text", ["User.ReadWrite.All", "api://unused/.default", "api://unused/Read", "Nothing.Such"])
def test_r7_a_refresh_gets_nothing_beyond(text: str) -> None:
    """Whatever was consented to since."""
    found = renewed(text, picture(ours="User.Read Directory.Read.All User.ReadWrite.All", unused="Read"))
    assert isinstance(found, Refused)
    assert found.reason is Reason.REACH


def test_r7_consent_that_was_withdrawn_counts_at_the_next_refresh() -> None:
    """The reach only shrinks."""
    fewer = renewed("", picture(ours="User.Read"))
    assert isinstance(fewer, Asked)
    assert fewer.scopes == ("User.Read",)
    assert renewed("", picture()) == Refused(Reason.NO_CONSENT)


@given(
    st.sets(st.sampled_from(["User.Read", "Directory.Read.All"]), min_size=1),
    st.sets(st.sampled_from(["openid", "profile", "email", "offline_access"])),
    st.booleans(),
)
def test_what_is_kept_reads_back(values: set[str], openid: set[str], default: bool) -> None:
    """`split` gives what `stored` was given, so that a poll without a scope still answers with the client's words."""
    text = " ".join((*values, *openid, *([f"{ORIGIN}/.default"] if default else [])))
    found = asked(text)
    names, kept, words = split(stored(found))
    assert (names, kept) == (found.scopes, found.openid)
    assert words == tuple(word for word in found.words if "/" in word)


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    """No input is a fault, and none reaches an administrative scope by device code."""
    found = parse(text, FULL, client=CLIENT, device=True)
    assert isinstance(found, Refused) or "User.ReadWrite.All" not in found.scopes


def test_a_disabled_admin_api_gives_nothing() -> None:
    """Also where no resource is named."""
    off = replace(OURS, enabled=False)
    shut = replace(FULL, resources=MappingProxyType({**FULL.resources, ADMIN_API: off}))
    assert parse("openid", shut, client=CLIENT, device=True) == Refused(Reason.UNKNOWN_RESOURCE)
