"""Signing in through an upstream provider: a real one, through the house's own doors."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ostiary.core.directory.people import EXCEPTION, FEDERATED, Group, Role, User
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.tokens.links import link_person, unlink_person
from ostiary.services.tokens.upstream import GRANT
from ostiary.store import Tx, directory, groups, sessions, upstream
from ostiary.store.upstream import FIELD, TABLE
from tests.server import Server
from tests.upstream.peer import KEY, MFA, PASSWORD, Browser, Peer, believing, entries, person

STAFF = GroupId("5a4f7ff4-0000-4000-8000-000000000001")
HAND = GroupId("5a4f7ff4-0000-4000-8000-000000000002")
EXEMPT = GroupId("5a4f7ff4-0000-4000-8000-000000000003")
Pair = tuple[Server, Peer]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A house that believes a provider about one domain, makes accounts there, and maps its groups."""
    mapping = {"staff": STAFF, "hand": HAND, "exempt": EXEMPT}
    folder = tmp_path_factory.mktemp("upstream")
    with believing(folder, domains=("elsewhere.test",), create=True, groups=mapping) as (server, peer):
        keep(server, Group(STAFF, "Staff from elsewhere"), Group(HAND, "By hand"))
        keep(server, Group(EXEMPT, "A second exception group", purpose=EXCEPTION))
        yield server, peer


@pytest.fixture
def browser(house: Pair) -> Iterator[Callable[[], Browser]]:
    """Fresh browsers."""
    opened: list[Browser] = []

    def fresh() -> Browser:
        opened.append(Browser(house[0]))
        return opened[-1]

    yield fresh
    for one in opened:
        one.close()


def write(server: Server, body: Callable[[Tx], Any]) -> Any:
    """Run *body* on the house's store."""
    return server.run(server.house.store.write(body))


def keep(server: Server, *made: Group) -> None:
    """Put groups there."""

    async def body(tx: Tx) -> None:
        for group in made:
            await groups.add(tx, group)

    write(server, body)


def account(server: Server, name: str, *roles: Role) -> UserId:
    """A local account."""
    user = User(UserId(f"u-{name}"), name, name, roles=frozenset(roles))
    write(server, lambda tx: directory.add(tx, user))
    return user.id


def verified(address: str, **more: Any) -> dict[str, Any]:
    """What a provider says of somebody whose address it knows."""
    return {"email": address, "email_verified": True, "name": address.partition("@")[0], **more}


def amr_of(server: Server, name: str) -> tuple[str, ...]:
    """What the newest session of *name* proved."""
    user = person(server, name)
    assert user is not None
    found = server.run(server.house.store.read(lambda tx: sessions.of_user(tx, user.id, now=server.clock.now())))
    return found[0].amr


def refused(server: Server) -> dict[str, Any]:
    """The newest refusal at the sign-in page."""
    detail: dict[str, Any] = entries(server, Kind.SIGN_IN_REFUSED)[-1]["detail"]
    return detail


def test_somebody_of_a_domain_that_the_provider_speaks_for_comes_in(
    house: Pair, browser: Callable[[], Browser]
) -> None:
    """An account is made where the operator said so; what was proved is what the mapping says, and written down."""
    server, peer = house
    peer.account("42", verified("nora@elsewhere.test"))
    at = browser().sign_in(peer, "42")
    assert at.url.path == "/account", at.text
    assert "nora@elsewhere.test" in at.text
    assert amr_of(server, "nora@elsewhere.test") == (FEDERATED, "mfa")
    linked = entries(server, Kind.LINKED)[-1]["detail"]
    assert (linked["issuer"], linked["subject"]) == (peer.issuer, "42")
    made = person(server, "nora@elsewhere.test")
    assert made is not None
    assert made.roles == frozenset()
    other = browser().sign_in(peer, "42", KEY)
    assert other.url.path == "/account"
    assert amr_of(server, "nora@elsewhere.test") == (FEDERATED, "pop", "mfa")


def test_the_page_offers_the_provider_without_a_script(house: Pair, browser: Callable[[], Browser]) -> None:
    """A form with a token of ours leads there; the address asks for a code with PKCE, nonce and state."""
    _, peer = house
    one = browser()
    one.open("/signin")
    assert "Sign in with Somebody else" in one.at.text
    left = one.press(f"/signin/upstream/{peer.name}")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(one.onward()).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 43
    assert asked["redirect_uri"].endswith(f"/signin/upstream/{peer.name}/callback")
    assert left.headers["content-security-policy"].endswith("form-action 'self'")
    forged = one.http.post(f"{one.origin}/signin/upstream/{peer.name}", data={"form_token": "x"})
    assert forged.status_code == 403


def test_one_step_there_is_one_step_here(house: Pair, browser: Callable[[], Browser]) -> None:
    """Whatever no line of the mapping names proves no second factor: ours follows, or is enrolled."""
    server, peer = house
    peer.account("one-step", verified("otto@elsewhere.test"))
    one = browser()
    at = one.sign_in(peer, "one-step", PASSWORD)
    assert at.url.path == "/signin/enrol"
    assert not one.signed_in()
    assert entries(server, Kind.UPSTREAM_PASSED)[-1]["detail"]["user_name"] == "otto@elsewhere.test"


def test_a_local_account_of_that_domain_is_recognised_by_a_verified_address(
    house: Pair, browser: Callable[[], Browser]
) -> None:
    """Once recognised it is the subject that counts, whatever name the provider gives later."""
    server, peer = house
    id = account(server, "lena@elsewhere.test")
    peer.account("lena", {"email": "lena@elsewhere.test", "email_verified": False})
    one = browser()
    assert "No account here belongs to that one" in one.sign_in(peer, "lena").text
    assert refused(server)["reason"] == "unlinked"
    assert not one.signed_in()
    peer.account("lena", verified("lena@elsewhere.test"))
    assert browser().sign_in(peer, "lena").url.path == "/account"
    peer.account("lena", verified("nora@elsewhere.test"))
    assert "lena@elsewhere.test" in browser().sign_in(peer, "lena").text
    link = server.run(server.house.store.read(lambda tx: upstream.link_of(tx, id)))
    assert link is not None
    assert link.subject == "lena"


@pytest.mark.parametrize(
    ("name", "roles"), [("boss@elsewhere.test", (Role.ADMINISTRATOR,)), ("judge@elsewhere.test", (Role.APPROVER,))]
)
def test_no_claim_makes_somebody_an_administrator(
    house: Pair, browser: Callable[[], Browser], name: str, roles: tuple[Role, ...]
) -> None:
    """An account with a role is nobody's by a name, verified or not: a person has to say whose it is."""
    server, peer = house
    account(server, name, *roles)
    peer.account(name, verified(name))
    one = browser()
    assert "No account here belongs to that one" in one.sign_in(peer, name).text
    assert not one.signed_in()
    assert entries(server, Kind.ALERT)[-1]["detail"]["about"] == "upstream_name"


def test_an_account_of_another_domain_is_never_taken_over(house: Pair, browser: Callable[[], Browser]) -> None:
    """The provider may verify any address in the world; it speaks for its own domain."""
    server, peer = house
    victim = server.people["alice"].username
    peer.account("thief", verified(victim))
    one = browser()
    assert "No account here belongs to that one" in one.sign_in(peer, "thief").text
    assert not one.signed_in()


def test_a_second_subject_with_the_same_address_is_somebody_else(house: Pair, browser: Callable[[], Browser]) -> None:
    """Addresses are given to new people; a subject never is."""
    server, peer = house
    peer.account("first", verified("pat@elsewhere.test"))
    assert browser().sign_in(peer, "first").url.path == "/account"
    peer.account("second", verified("pat@elsewhere.test"))
    one = browser()
    assert "No account here belongs to that one" in one.sign_in(peer, "second").text
    assert refused(server)["subject"] == "second"


def test_a_disabled_account_stays_outside(house: Pair, browser: Callable[[], Browser]) -> None:
    """Whoever is disabled here is, whatever the provider says; it is explained and written down."""
    server, peer = house
    peer.account("gone", verified("gone@elsewhere.test"))
    one = browser()
    assert one.sign_in(peer, "gone").url.path == "/account"
    user = person(server, "gone@elsewhere.test")
    assert user is not None
    write(server, lambda tx: directory.change(tx, user, replace(user, enabled=False)))
    assert not one.signed_in()
    assert "disabled" in browser().sign_in(peer, "gone").text
    assert refused(server)["reason"] == "account_disabled"


def test_groups_follow_the_mapping_both_ways_and_never_into_the_exception(
    house: Pair, browser: Callable[[], Browser]
) -> None:
    """A mapped membership comes and goes with the claim, one given by hand stays, an exemption is never a claim's."""
    server, peer = house
    peer.account("gus", verified("gus@elsewhere.test", groups=["staff", "exempt", "administrators"]))
    assert browser().sign_in(peer, "gus").url.path == "/account"
    user = person(server, "gus@elsewhere.test")
    assert user is not None
    assert standing(server, user) == {STAFF}
    write(server, lambda tx: groups.join(tx, HAND, user.id, server.clock.now()))
    peer.account("gus", verified("gus@elsewhere.test", groups=["hand"]))
    assert browser().sign_in(peer, "gus").url.path == "/account"
    assert standing(server, user) == {HAND}
    peer.account("gus", verified("gus@elsewhere.test"))
    assert browser().sign_in(peer, "gus").url.path == "/account"
    assert standing(server, user) == {HAND}
    assert entries(server, Kind.MEMBER_REMOVED)[-1]["detail"]["provider"] == peer.name


def standing(server: Server, user: User) -> set[GroupId]:
    """The groups that *user* stands in."""

    async def body(tx: Tx) -> set[GroupId]:
        return {group for group in (STAFF, HAND, EXEMPT) if await groups.is_member(tx, group, user.id)}

    found: set[GroupId] = server.run(server.house.store.read(body))
    return found


def test_groups_that_are_too_many_to_say_refuse(house: Pair, browser: Callable[[], Browser]) -> None:
    """Nobody knows then which they are, and a mapping that cannot be followed must not look like an empty one."""
    server, peer = house
    peer.account("many", verified("many@elsewhere.test", hasgroups=True))
    assert "more groups of yours than it can say" in browser().sign_in(peer, "many").text
    assert refused(server)["cause"] == "groups"


def test_what_one_browser_began_no_other_ends(house: Pair, browser: Callable[[], Browser]) -> None:
    """A link with somebody else's code signs nobody in, and one's own counts once."""
    _, peer = house
    peer.account("42", verified("nora@elsewhere.test"))
    attacker, victim = browser(), browser()
    attacker.go_elsewhere(peer)
    attacker.http.follow_redirects = False
    attacker.press("/interaction/", login="42", acr=MFA)
    while attacker.at.headers["location"].startswith((peer.issuer, "/")):
        attacker.at = attacker.http.get(str(attacker.at.url.join(attacker.at.headers["location"])))
    callback = attacker.at.headers["location"]
    assert "/callback?" in callback
    victim.open("/signin")
    assert "began in another browser" in victim.open(callback).text
    assert not victim.signed_in()
    second = callback.replace(f"/{peer.name}/callback", "/second/callback")
    assert "does not belong to this sign-in" in attacker.open(second).text
    nameless = callback.partition("&iss=")[0]
    assert "does not belong to this sign-in" in attacker.open(nameless).text
    elsewhere = callback.replace("iss=http", "iss=https")
    assert elsewhere != callback
    assert "does not belong to this sign-in" in attacker.open(elsewhere).text
    attacker.http.follow_redirects = True
    assert attacker.open(callback).url.path == "/account"
    attacker.http.cookies.delete("__Host-session")
    assert "was used already" in attacker.open(callback).text


@pytest.mark.parametrize("query", ["", "state=x&code=y", "state=&code=", "error=access_denied", "state=" + "A" * 9000])
def test_a_callback_that_nobody_began_is_explained(house: Pair, browser: Callable[[], Browser], query: str) -> None:
    """And leaves no entry: strangers fill no journal (R21)."""
    server, peer = house
    before = len(entries(server, Kind.SIGN_IN_REFUSED))
    at = browser().open(f"/signin/upstream/{peer.name}/callback?{query}")
    assert at.status_code in (400, 401)
    assert len(entries(server, Kind.SIGN_IN_REFUSED)) == before
    assert browser().open("/signin/upstream/nobody/callback?state=x").status_code == 401


def test_a_provider_that_cannot_be_asked_is_no_dead_end(house: Pair, browser: Callable[[], Browser]) -> None:
    """The page says so and offers the other ways."""
    one = browser()
    one.open("/signin")
    at = one.press("/signin/upstream/second")
    assert at.status_code == 429
    assert "A second one cannot be asked at the moment" in at.text
    assert "Password" in at.text


def test_whoever_is_turned_away_there_is_told_so(house: Pair, browser: Callable[[], Browser]) -> None:
    """The provider's no is explained on our page, with the ways that are left, and written down."""
    server, peer = house
    at = browser().sign_in(peer, "nobody-there")
    assert "Somebody else did not sign you in" in at.text
    assert "Password" in at.text
    assert refused(server)["cause"] == "access_denied"


def test_proving_it_again_goes_there_and_is_read_in_claims(house: Pair, browser: Callable[[], Browser]) -> None:
    """The same person, asked anew, with two steps: each is looked for in what the provider signs, none is assumed."""
    server, peer = house
    peer.account("step", verified("step@elsewhere.test"))
    peer.account("other", verified("other@elsewhere.test"))
    one = browser()
    assert one.sign_in(peer, "step").url.path == "/account"
    server.pass_time(20)
    for who, proof, told in (
        ("step", PASSWORD, "does not say that it asked you for two steps"),
        ("other", MFA, "not the account that you are signed in with"),
    ):
        again(one, peer)
        assert told in one.press("/interaction/", login=who, acr=proof).text
        assert refused(server)["reason"] == "upstream"
    again(one, peer)
    assert one.press("/interaction/", login="step", acr=MFA).url.path == "/account"
    assert entries(server, Kind.STEPPED_UP)[-1]["detail"]["amr"] == [FEDERATED, "mfa"]


def again(one: Browser, peer: Peer) -> None:
    """From the page that asks for a fresh proof to the provider's own page, which remembers nobody."""
    one.http.cookies.clear(domain="127.0.0.1")
    one.open("/signin/again?return=/account")
    one.press(f"/signin/upstream/{peer.name}")
    asked = parse_qs(urlsplit(one.onward()).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    one.open(one.onward())
    assert one.at.url.path.startswith("/interaction/")


def test_r17_the_refresh_token_of_a_provider_is_sealed(house: Pair, browser: Callable[[], Browser]) -> None:
    """R17: whoever reads the database asks no provider in our name; no secret of ours is in it either."""
    server, peer = house
    peer.account("42", verified("nora@elsewhere.test"))
    assert browser().sign_in(peer, "42").url.path == "/account"
    due = server.run(server.house.store.read(lambda tx: upstream.due(tx, server.later(3600), most=100)))
    assert due
    token = server.house.vault.open(GRANT, TABLE, due[-1].id, FIELD, due[-1].sealed)
    assert len(token) > 20
    for path in Path(server.data).glob("ostiary.db*"):
        assert token not in path.read_bytes()
        assert b"a secret with" not in path.read_bytes()


def test_an_administrator_is_who_another_administrator_says(house: Pair, browser: Callable[[], Browser]) -> None:
    """A link by hand opens an account with a role; undone, everything of that person ends."""
    server, peer = house
    id = account(server, "carla@elsewhere.test", Role.ADMINISTRATOR)
    peer.account("c-17", {"name": "whoever"})
    assert "No account here belongs to that one" in browser().sign_in(peer, "c-17").text
    boss = replace(server.visit(), caller=administrator(server))
    link = partial(link_person, server.house, boss, id, issuer=peer.issuer, subject="c-17")
    stranger = server.run(link_person(server.house, boss, id, issuer="https://nobody.test", subject="c-17"))
    assert isinstance(stranger, Refused)
    assert stranger.reason is Reason.INVALID_VALUE
    clerk = replace(boss, caller=replace(boss.caller, roles=frozenset()))
    forbidden = server.run(link_person(server.house, clerk, id, issuer=peer.issuer, subject="c-17"))
    assert isinstance(forbidden, Refused)
    assert forbidden.reason is Reason.FORBIDDEN
    assert not isinstance(server.run(link(reason="her account there")), Refused)
    again_ = server.run(link())
    assert isinstance(again_, Refused)
    assert again_.reason is Reason.CONFLICT
    one = browser()
    assert one.sign_in(peer, "c-17").url.path == "/account"
    later = replace(boss, now=server.clock.now())
    assert not isinstance(server.run(unlink_person(server.house, later, id)), Refused)
    assert not one.signed_in()
    assert "No account here belongs to that one" in browser().sign_in(peer, "c-17").text


def administrator(server: Server) -> Caller:
    """An administrator at a browser who proved it just now."""
    return Caller(
        CallerKind.USER, id="u-admin", name="admin", origin=Origin.BROWSER, roles=frozenset({Role.ADMINISTRATOR}),
        amr=("pwd", "otp", "mfa"), authenticated_at=server.clock.now(),
    )  # fmt: skip


def test_whoever_comes_from_elsewhere_comes_from_nowhere_else(house: Pair, browser: Callable[[], Browser]) -> None:
    """A password of before opens nothing once the account is linked: who left there has no other way in."""
    server, peer = house
    alice = server.people["alice"]
    one = browser()
    user = person(server, alice.username)
    assert user is not None
    boss = replace(server.visit(), caller=administrator(server))
    assert not isinstance(
        server.run(link_person(server.house, boss, user.id, issuer=peer.issuer, subject="alice-there")), Refused
    )
    one.open("/signin?return=/account")
    at = one.press("/signin", username=alice.username, password=alice.password)
    assert "The user name or the password is wrong" in at.text
    assert refused(server)["reason"] == "upstream"
    peer.account("alice-there", {})
    assert one.sign_in(peer, "alice-there").url.path == "/account"
