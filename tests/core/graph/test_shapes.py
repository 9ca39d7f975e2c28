"""Values as Graph shows them, bodies as deeds take them, refusals as callers read them."""

from dataclasses import replace

from ostiary.core.directory.applications import Application, Scope, Secret
from ostiary.core.directory.people import EXCEPTION, Group, Role, User
from ostiary.core.graph.application import APPLICATION, ASSIGNMENT, CONSENT, Assignment, Consent
from ostiary.core.graph.error import Invalid, Problem, envelope, meaning, problems_of, sentence
from ostiary.core.graph.fields import Field, Kind, Shape, flatten, released, render
from ostiary.core.graph.group import GROUP
from ostiary.core.graph.key import KEY, ShownKey
from ostiary.core.graph.reference import referred
from ostiary.core.graph.user import USER
from ostiary.core.words.ids import AppId, GroupId, UserId
from ostiary.core.words.instants import Instant, from_iso, hours
from ostiary.core.words.outcome import Reason, Refused

AT = from_iso("2026-11-23T08:00:00Z")
ALICE = User(UserId("u"), "alice@example.com", "Alice", roles=frozenset({Role.AUDITOR, Role.ADMINISTRATOR}), created=AT)


def test_a_user_reads_as_graph_shows_one() -> None:
    """All readable fields, roles in a stable order, nothing that is only written."""
    assert render(USER.fields, ALICE) == {
        "id": "u",
        "userPrincipalName": "alice@example.com",
        "displayName": "Alice",
        "mail": None,
        "accountEnabled": True,
        "createdDateTime": "2026-11-23T08:00:00.000000Z",
        "signInSessionsValidFromDateTime": "2026-11-23T08:00:00.000000Z",
        "ostiary": {"roles": ["administrator", "auditor"]},
    }


def test_a_selection_always_carries_the_id() -> None:
    """An entity without its id could not be asked for again."""
    assert render(USER.fields, ALICE, ("displayName",)) == {"id": "u", "displayName": "Alice"}


def test_a_group_tells_its_purpose() -> None:
    """The exception group is known by purpose, whatever its name."""
    shown = render(GROUP.fields, Group(GroupId("g"), "Anything", purpose=EXCEPTION, created=AT))
    assert shown["ostiary"] == {"purpose": "exception"}
    assert shown["description"] is None
    assert (shown["securityEnabled"], shown["mailEnabled"], shown["groupTypes"]) == (True, False, [])


def test_lists_of_objects_go_both_ways() -> None:
    """Each entry by its own fields; a body's object that only groups is flattened, absent properties stay absent."""
    inner: tuple[Field[str], ...] = (
        Field("value", Kind.STRING, lambda i: i, write="value"),
        Field("hidden", Kind.STRING, write="hidden"),
    )
    fields: tuple[Field[list[str]], ...] = (
        Field("all", Kind.OBJECTS, lambda v: v, write="all", fields=inner),
        Field("length", Kind.DURATION, lambda v: hours(2)),
        Field("raw", Kind.JSON, lambda v: {"x": 1}, write="raw"),
        Field("own", Kind.OBJECT, fields=(Field("names", Kind.STRINGS, lambda v: v, write="names", null=True),)),
        Field("silent", Kind.OBJECT, fields=(Field("why", Kind.STRING, write="why"),)),
    )
    assert render(fields, ["a"]) == {
        "all": [{"value": "a"}], "length": "PT2H", "raw": {"x": 1}, "own": {"names": ["a"]},
    }  # fmt: skip
    assert [f.writable for f in fields] == [True, False, True, True, True]
    body = {"all": [{"value": "a"}, {}], "raw": [1], "own": {"names": ["b"]}, "silent": {"why": "w"}}
    assert flatten(fields, body) == {"all": ({"value": "a"}, {}), "raw": [1], "names": ("b",), "why": "w"}
    assert flatten(fields, {"own": {"names": None}}) == {"names": None}


def test_a_refusal_reads_as_graph_says_it() -> None:
    """Status and code by the table; a reason that is not in it is the caller's mistake."""
    assert (meaning(Reason.NOT_FOUND).status, meaning(Reason.NOT_FOUND).code) == (404, "Request_ResourceNotFound")
    assert meaning(Reason.STEP_UP).status == 401
    assert meaning(Reason.ORIGIN_FORBIDDEN).status == 403
    assert meaning(Reason.SLOW_DOWN).status == 400
    refused = Refused(Reason.INVALID_VALUE, "Too long.", field="displayName")
    assert sentence(refused) == "displayName: Too long."
    assert problems_of(refused) == (Problem("displayName", "Too long."),)
    assert problems_of(Refused(Reason.FORBIDDEN)) == ()
    assert sentence(Refused(Reason.FORBIDDEN)) == meaning(Reason.FORBIDDEN).message


def test_all_problems_are_told_at_once() -> None:
    """The message names the first, the details name each."""
    invalid = Invalid((Problem("$.a", "Bad."), Problem("$.b", "Worse.")))
    assert sentence(invalid) == "$.a: Bad. (1 more in details)"
    assert sentence(Invalid(invalid.problems[:1])) == "$.a: Bad."
    ruled = Invalid((Problem("reason", "Say why.", "JustificationRule"), Problem("$.b", "Worse.")))
    assert sentence(ruled) == "reason: JustificationRule: Say why. (1 more in details)"
    told = envelope("C", "M", now=Instant(AT), request="r", correlation="", problems=problems_of(ruled))["error"]
    assert [detail["message"] for detail in told["details"]] == ["JustificationRule: Say why.", "Worse."]
    error = envelope("C", "M", now=Instant(AT), request="r", correlation="", problems=problems_of(invalid))["error"]
    assert error["innerError"] == {"date": "2026-11-23T08:00:00", "request-id": "r", "client-request-id": "r"}
    assert [detail["target"] for detail in error["details"]] == ["$.a", "$.b"]
    assert "details" not in envelope("C", "M", now=Instant(AT), request="r", correlation="c")["error"]


def test_an_application_shows_its_addresses_by_kind() -> None:
    """Public or confidential decides where they stand; secrets without their text, scopes with their kind."""
    secret = Secret("k", "d", "abc", AT, AT, "")
    app = Application(
        AppId("a"), "o", "App", public=False, redirect_uris=("https://x/",), secrets=(secret,),
        scopes=(Scope("Read", "Read it"), Scope("Write", "Write it", True)), created=AT,
    )  # fmt: skip
    shown = render(APPLICATION.fields, app)
    assert (shown["web"], shown["publicClient"]) == ({"redirectUris": ["https://x/"]}, {"redirectUris": []})
    assert [scope["type"] for scope in shown["api"]["oauth2PermissionScopes"]] == ["User", "Admin"]
    assert shown["passwordCredentials"][0] == {
        "keyId": "k", "displayName": None, "hint": "abc", "secretText": None,
        "startDateTime": "2026-11-23T08:00:00.000000Z", "endDateTime": "2026-11-23T08:00:00.000000Z",
    }  # fmt: skip
    assert shown["ostiary"]["codeLifetime"] == "PT5M"
    assert "d" not in shown["passwordCredentials"][0].values()
    consent = render(CONSENT.fields, Consent(AppId("c"), "co", AppId("r"), "ro", ("x", "y")))
    assert (consent["id"], consent["scope"], consent["consentType"]) == ("c_r", "x y", "AllPrincipals")
    assigned = render(ASSIGNMENT.fields, Assignment("i", "o", "App", "u", "User", "Alice", AT))
    assert (assigned["resourceId"], assigned["principalDisplayName"]) == ("o", "Alice")


def test_a_key_tells_what_it_does_at_a_moment() -> None:
    """It waits, signs, is published for what it signed, and ends."""
    key = ShownKey("k", "ES256", Instant(0), Instant(10), Instant(20), Instant(30), Instant(0))
    states = [render(KEY.fields, replace(key, now=Instant(at)))["state"] for at in (9, 10, 19, 20, 29, 30)]
    assert states == ["waiting", "signing", "signing", "published", "published", "ended"]
    assert render(KEY.fields, replace(key, signs_until=None, shown_until=None, now=Instant(99)))["state"] == "signing"


def test_a_reference_ends_in_an_id() -> None:
    """Both forms of address that SDKs send; anything else is none."""
    assert referred("https://h/v1.0/directoryObjects/abc") == referred("https://h/v1.0/users('abc')") == "abc"
    assert referred("https://h/v1.0/groups/abc") is None
    assert referred("abc") is None


def test_what_only_beta_has_is_not_in_v1() -> None:
    """`/v1.0` neither shows nor selects it."""
    both: Shape[str] = Shape("x", "x", (Field("id", Kind.ID, str), Field("new", Kind.ID, str, beta=True)))
    assert released(both).names == {"id"}
    assert both.names == {"id", "new"}
    assert released(USER) is USER
