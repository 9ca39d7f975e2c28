"""SCIM as Entra and Okta speak it, on a running server: people and groups, leavers, and what stays out of reach."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.opening import Opening
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import days, hours, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.groups import add_member, create_group
from ostiary.services.directory.people import Change, change_user
from ostiary.services.directory.provisioners import (
    add_provisioner,
    give_user,
    remove_provisioner,
    renew_token,
)
from ostiary.services.exemptions.open import open_exemption
from ostiary.store import directory, groups
from tests.clients.test_keys import administrator
from tests.server import Server

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Provisioner:
    """One of them, at the door."""

    def __init__(self, server: Server, name: str, networks: tuple[str, ...]) -> None:
        made = server.run(add_provisioner(server.house, administrator(server), name, networks, None, "for a test"))
        assert not isinstance(made, Refused), made
        self.server, self.id, self.token = server, made.provisioner.id, made.token
        context = ssl.create_default_context(cafile=str(server.ca_file))
        self.http = httpx.Client(base_url=server.origin, verify=context, timeout=60)

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, token: str | None = None) -> Any:
        """The answer's JSON, when it has that *status*."""
        head = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/scim+json"}
        answer = self.http.request(method, f"/scim/v2{path}", headers=head, json=body)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        if status >= 400:
            assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"], answer.text
        return answer.json() if answer.content else None

    def person(self, name: str, **more: Any) -> dict[str, Any]:
        """A new one, as Entra sends it: with a lot that is not kept."""
        body = {
            "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "externalId": name.split("@")[0], "userName": name, "displayName": name.title(), "active": True,
            "emails": [{"primary": True, "type": "work", "value": name}],
            "name": {"formatted": "x", "familyName": "y", "givenName": "z"}, "title": "Engineer",
            "meta": {"resourceType": "User"},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "d"},
        } | more  # fmt: skip
        made: dict[str, Any] = self.ask("POST", "/Users", body, status=201)
        return made

    def patch(self, path: str, *operations: dict[str, Any], status: int = 200) -> Any:
        """A change."""
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, status=status)


Made = Callable[..., Provisioner]


@pytest.fixture(scope="module")
def another(server: Server) -> Iterator[Made]:
    """Makes provisioners, and closes their connections."""
    made: list[Provisioner] = []

    def make(name: str, *networks: str) -> Provisioner:
        made.append(Provisioner(server, name, networks))
        return made[-1]

    yield make
    for one in made:
        one.http.close()


@pytest.fixture(scope="module")
def idp(another: Made) -> Provisioner:
    """The provider that knows who works here."""
    return another("idp")


def enabled(server: Server, id: str) -> bool:
    """Whether the account is."""
    user = server.run(server.house.store.read(lambda tx: directory.find(tx, UserId(id))))
    return user is not None and user.enabled


def opened(server: Server, id: str) -> bool:
    """Whether an exemption of this account is open, as memory has it now."""
    server.run(server.house.desk.reload())
    return any(one.user == id for one in server.house.desk.openings.all)


def test_people_come_as_entra_sends_them(idp: Provisioner) -> None:
    """Found by name and by `externalId`; changed by paths and values, switches by their texts; nothing else is kept."""
    made = idp.person("joan@ostiary.example")
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    assert (made["userName"], made["active"], made["externalId"]) == ("joan@ostiary.example", True, "joan")
    for filter_ in ('userName eq "JOAN@ostiary.example"', 'externalId eq "joan"', 'displayName sw "joan"'):
        assert [one["id"] for one in idp.ask("GET", f"/Users?filter={filter_}")["Resources"]] == [made["id"]], filter_
    assert idp.ask("GET", '/Users?filter=userName eq "nobody@ostiary.example"')["totalResults"] == 0
    changed = idp.patch(
        f"/Users/{made['id']}",
        {"op": "Replace", "path": "displayName", "value": "Joan of the desk"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "joan@mail.example"},
        {"op": "Add", "path": "name.givenName", "value": "Joan"},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    assert (changed["displayName"], changed["active"]) == ("Joan of the desk", False)
    assert [one["value"] for one in changed["emails"]] == ["joan@mail.example"]
    assert idp.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": True}})["active"] is True
    only = idp.ask("GET", f"/Users/{made['id']}?attributes=userName")
    assert set(only) == {"schemas", "id", "userName"}


def test_pages_count_from_one(idp: Provisioner) -> None:
    """`startIndex` and `count`, and how many there are in all."""
    names = [f"p{n}@pages.example" for n in range(5)]
    for name in names:
        idp.person(name)
    first = idp.ask("GET", "/Users?startIndex=1&count=2")
    rest = idp.ask("GET", f"/Users?startIndex=3&count={first['totalResults']}")
    assert (first["itemsPerPage"], first["startIndex"], rest["startIndex"]) == (2, 1, 3)
    ids = [one["id"] for one in first["Resources"] + rest["Resources"]]
    assert len(set(ids)) == len(ids) == first["totalResults"] >= 5
    filtered = idp.ask("GET", '/Users?filter=userName ew "@pages.example"&startIndex=2&count=3')
    assert (filtered["totalResults"], len(filtered["Resources"])) == (5, 3)


def test_a_leaver_ends_at_once_and_may_come_back_without_anything(idp: Provisioner, server: Server) -> None:
    """`active` false, or DELETE: the open exemption ends. The same account comes back, and has nothing."""
    name = "leaver@ostiary.example"
    made = idp.person(name)
    path = f"/Users/{made['id']}"
    body = {"schemas": [GROUP], "displayName": "Leavers", "members": [{"value": made["id"]}]}
    team = idp.ask("POST", "/Groups", body, status=201)
    wish = Opening(name, hours(1), "for a test", Limits())
    assert not isinstance(server.run(open_exemption(server.house, server.visit(), wish)), Refused)
    assert opened(server, made["id"])
    idp.patch(path, {"op": "Replace", "path": "active", "value": False})
    assert (enabled(server, made["id"]), opened(server, made["id"])) == (False, False)
    idp.patch(path, {"op": "Replace", "path": "active", "value": True})
    assert (enabled(server, made["id"]), opened(server, made["id"])) == (True, False)
    assert not isinstance(server.run(open_exemption(server.house, server.visit(), wish)), Refused)
    idp.ask("DELETE", path, status=204)
    assert (enabled(server, made["id"]), opened(server, made["id"])) == (False, False)
    for method in ("GET", "DELETE"):
        idp.ask(method, path, status=404)
    assert "members" not in idp.ask("GET", f"/Groups/{team['id']}")
    again = idp.person(name)
    assert (again["id"], enabled(server, made["id"]), opened(server, made["id"])) == (made["id"], True, False)


def test_what_is_not_the_provisioners_is_out_of_reach(idp: Provisioner, server: Server, another: Made) -> None:
    """Accounts and groups of others are not there, and their names are taken; a member must be one's own."""
    other = another("another system")
    mine, theirs = idp.person("mine@ostiary.example"), other.person("theirs@ostiary.example")
    alice = server.people["alice"].username
    assert idp.ask("GET", f'/Users?filter=userName eq "{alice}"')["totalResults"] == 0
    for method in ("GET", "DELETE"):
        idp.ask(method, f"/Users/{theirs['id']}", status=404)
    idp.patch(f"/Users/{theirs['id']}", {"op": "Replace", "path": "active", "value": False}, status=404)
    for taken in (alice, "theirs@ostiary.example", "mine@ostiary.example"):
        said = idp.ask("POST", "/Users", {"schemas": [USER], "userName": taken}, status=409)
        assert said["scimType"] == "uniqueness"
    for method in ("GET", "DELETE"):
        idp.ask(method, f"/Groups/{server.house.desk.picture.exception_group}", status=404)
    foreign = {"schemas": [GROUP], "displayName": "Foreign", "members": [{"value": theirs["id"]}]}
    assert idp.ask("POST", "/Groups", foreign, status=400)["scimType"] == "invalidValue"
    idp.ask("POST", "/Groups", {**foreign, "members": [{"value": mine["id"]}]}, status=201)
    idp.ask("POST", "/Groups", {**foreign, "members": []}, status=409)


def test_nobody_is_made_anything_and_the_last_administrator_stays(idp: Provisioner, server: Server) -> None:
    """Roles are out of reach; of somebody who has one only `active` changes, and never the last administrator's."""
    made = idp.person("chief@ostiary.example", roles=[{"value": "administrator"}])
    user = server.run(server.house.store.read(lambda tx: directory.find(tx, UserId(made["id"]))))
    assert user is not None
    assert user.roles == frozenset()
    change = Change(roles=frozenset({Role.APPROVER}), reason="for a test")
    assert not isinstance(server.run(change_user(server.house, administrator(server), made["id"], change)), Refused)
    path = f"/Users/{made['id']}"
    idp.patch(path, {"op": "Replace", "path": "userName", "value": "thief@ostiary.example"}, status=403)
    idp.patch(path, {"op": "Replace", "path": "displayName", "value": "Thief"}, status=403)
    assert idp.patch(path, {"op": "Replace", "path": "active", "value": False})["active"] is False


def test_the_last_administrator_is_not_disabled(idp: Provisioner, server: Server) -> None:
    """An administrator who was given to it, when there is no other: 409, and the account stays."""
    people = server.run(server.house.store.read(_administrators))
    last, others = people[0], people[1:]
    given = server.run(give_user(server.house, administrator(server), idp.id, last.id, "for a test"))
    assert given is True
    again = server.run(give_user(server.house, administrator(server), idp.id, last.id, "for a test"))
    assert isinstance(again, Refused)
    assert again.reason is Reason.CONFLICT
    for one in others:
        change = Change(enabled=False, reason="for a test")
        assert not isinstance(server.run(change_user(server.house, administrator(server), one.id, change)), Refused)
    idp.patch(f"/Users/{last.id}", {"op": "Replace", "path": "active", "value": False}, status=409)
    idp.ask("DELETE", f"/Users/{last.id}", status=409)
    assert enabled(server, last.id)
    for one in others:
        change = Change(enabled=True, reason="for a test")
        assert not isinstance(server.run(change_user(server.house, administrator(server), one.id, change)), Refused)


async def _administrators(tx: Any) -> list[Any]:
    from_names = [await directory.find_named(tx, f"{name}@ostiary.example") for name in ("bea", "carl", "dora", "hana")]
    found = [user for user in from_names if user is not None and Role.ADMINISTRATOR in user.roles and user.enabled]
    assert len(found) == await directory.administrators(tx), "the sample has other administrators"
    return found


def test_groups_are_filled_as_entra_does_it(idp: Provisioner) -> None:
    """Members are added, taken out by value and by filter, replaced; a rename keeps them."""
    people = [idp.person(f"g{n}@ostiary.example")["id"] for n in range(3)]
    made = idp.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Shift", "externalId": "sh"}, status=201)
    path = f"/Groups/{made['id']}"

    def members() -> set[str]:
        return {one["value"] for one in idp.ask("GET", path).get("members", [])}

    idp.patch(path, {"op": "Add", "path": "members", "value": [{"value": id} for id in people]})
    assert members() == set(people)
    idp.patch(path, {"op": "Remove", "path": "members", "value": [{"value": people[0]}]})
    idp.patch(path, {"op": "remove", "path": f'members[value eq "{people[1]}"]'})
    assert members() == {people[2]}
    idp.patch(path, {"op": "Replace", "path": "displayName", "value": "Night shift"})
    idp.ask("PUT", path, {"schemas": [GROUP], "displayName": "Night shift", "members": [{"value": people[0]}]})
    assert members() == {people[0]}
    for filter_ in ('displayName eq "Night shift"', f'members[value eq "{people[0]}"] and displayName sw "Night"'):
        listed = idp.ask("GET", f"/Groups?filter={filter_}&excludedAttributes=members")["Resources"]
        assert [one["id"] for one in listed] == [made["id"]], filter_
        assert "members" not in listed[0]
    idp.ask("DELETE", path, status=204)
    idp.ask("GET", path, status=404)


def test_only_a_token_that_counts_opens_it_and_it_opens_nothing_else(server: Server, another: Made) -> None:
    """Wrong, changed, ended, from elsewhere, removed: 401. Renewing keeps the one before until its end."""
    made = another("tokens")
    for wrong in ("x", made.token[:-1] + ("A" if made.token[-1] != "A" else "B"), "ostp_" + "A" * 43):
        made.ask("GET", "/Users", status=401, token=wrong)
    assert made.http.get("/scim/v2/Users").status_code == 401
    assert made.http.get("/v1.0/users", headers={"Authorization": f"Bearer {made.token}"}).status_code == 401
    data = server.house.settings.data
    assert [p.name for p in data.rglob("*") if p.is_file() and made.token.encode() in p.read_bytes()] == []
    tokens = [made.token]
    for _ in range(2):
        renewed = server.run(renew_token(server.house, administrator(server), made.id, days(2), "for a test"))
        assert not isinstance(renewed, Refused)
        tokens.append(renewed.token)
    made.ask("GET", "/Users", status=401, token=tokens[0])
    for token in tokens[1:]:
        made.ask("GET", "/Users", token=token)
    away = another("from elsewhere", "198.51.100.0/24")
    away.ask("GET", "/Users", status=401)
    server.pass_time(int(days(3) / seconds(1)))
    made.ask("GET", "/Users", status=401, token=tokens[-1])
    fresh = server.run(renew_token(server.house, administrator(server), made.id, None, "for a test"))
    assert not isinstance(fresh, Refused)
    made.ask("GET", "/Users", token=fresh.token)
    kept = made.ask(
        "POST", "/Users", {"schemas": [USER], "userName": "stays@ostiary.example"}, status=201, token=fresh.token
    )
    assert server.run(remove_provisioner(server.house, administrator(server), made.id)) is True
    made.ask("GET", "/Users", status=401, token=fresh.token)
    assert enabled(server, kept["id"])


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/Users", [], "invalidSyntax"), ("/Users", {"schemas": [USER]}, "invalidValue"),
        ("/Users", {"schemas": [USER], "userName": "no address"}, "invalidValue"),
        ("/Users", {"schemas": [USER], "userName": "a@b.example", "externalId": "x" * 300}, "invalidValue"),
        ("/Users", {"schemas": [USER], "userName": "a@b.example", "active": "perhaps"}, "invalidValue"),
        ("/Groups", {"schemas": [GROUP], "displayName": ""}, "invalidValue"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_scims_words(idp: Provisioner, path: str, body: Any, kind: str) -> None:
    """400 with its `scimType`; nothing is made."""
    assert idp.ask("POST", path, body, status=400)["scimType"] == kind
    for wrong in ("userName xx 1", "nope eq", "(", 'userName eq "' + "a" * 9000):
        assert idp.http.get(
            "/scim/v2/Users", params={"filter": wrong}, headers={"Authorization": f"Bearer {idp.token}"}
        ).status_code == 400  # fmt: skip


def test_whom_an_administrator_disabled_a_provisioner_does_not_enable(idp: Provisioner, server: Server) -> None:
    """Neither by saying so, nor by a PUT that says nothing of it; whom it disabled itself it may enable."""
    made = idp.person("suspect@ostiary.example")
    path = f"/Users/{made['id']}"
    off = Change(enabled=False, reason="phished")
    assert not isinstance(server.run(change_user(server.house, administrator(server), made["id"], off)), Refused)
    idp.patch(path, {"op": "Replace", "path": "active", "value": True}, status=403)
    on = Change(enabled=True, reason="cleared")
    for change in (on, off, on):
        assert not isinstance(server.run(change_user(server.house, administrator(server), made["id"], change)), Refused)
    for own in (False, True, False):
        idp.patch(path, {"op": "Replace", "path": "active", "value": own})
    for change in (on, off):  # what the provisioner did once gives it no right to undo what came later
        assert not isinstance(server.run(change_user(server.house, administrator(server), made["id"], change)), Refused)
    idp.patch(path, {"op": "Replace", "path": "active", "value": True}, status=403)
    silent = {"schemas": [USER], "userName": "suspect@ostiary.example", "displayName": "Suspect"}
    assert idp.ask("PUT", path, silent)["active"] is False
    idp.ask("DELETE", path, status=204)
    idp.ask("POST", "/Users", {**silent, "active": True}, status=403)
    assert not enabled(server, made["id"])


def test_a_namesake_gets_no_leavers_account(idp: Provisioner) -> None:
    """The same name and another `externalId`: it is somebody else, and the name is taken."""
    made = idp.person("jane@ostiary.example", externalId="17")
    idp.ask("DELETE", f"/Users/{made['id']}", status=204)
    again = {"schemas": [USER], "userName": "jane@ostiary.example"}
    idp.ask("POST", "/Users", {**again, "externalId": "99"}, status=409)
    assert idp.ask("POST", "/Users", {**again, "externalId": "17"}, status=201)["id"] == made["id"]


def test_what_an_administrator_added_stays_and_is_not_seen(idp: Provisioner, server: Server) -> None:
    """Others in a provisioned group are neither shown nor removed; a person who stands elsewhere is not renamed."""
    made = idp.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Mixed"}, status=201)
    alice = server.people["alice"].username
    user = server.run(server.house.store.read(lambda tx: directory.find_named(tx, alice)))
    assert user is not None
    assert not isinstance(server.run(add_member(server.house, administrator(server), made["id"], user.id)), Refused)
    path, mine = f"/Groups/{made['id']}", idp.person("mixed@ostiary.example")
    assert "members" not in idp.ask("GET", path)
    idp.ask("PUT", path, {"schemas": [GROUP], "displayName": "Mixed", "members": [{"value": mine["id"]}]})
    idp.patch(path, {"op": "remove", "path": "members"})
    stays = server.run(server.house.store.read(lambda tx: groups.is_member(tx, GroupId(made["id"]), user.id)))
    assert stays is True
    own = server.run(create_group(server.house, administrator(server), {"display_name": "Own"}, "for a test"))
    assert not isinstance(own, Refused)
    assert not isinstance(server.run(add_member(server.house, administrator(server), own.id, mine["id"])), Refused)
    rename = {"op": "Replace", "path": "userName", "value": "mallory@ostiary.example"}
    idp.patch(f"/Users/{mine['id']}", rename, status=403)


def test_nothing_takes_the_loops_time(idp: Provisioner) -> None:
    """Operations, places in a list and depth are bounded; members are a set, chosen by their ids alone."""
    made = idp.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Bounds"}, status=201)
    path, many = f"/Groups/{made['id']}", [{"op": "remove", "path": 'members[value eq "x"]'}] * 101
    idp.patch(path, *many, status=400)
    idp.patch(path, *many[:100])
    idp.patch(path, {"op": "remove", "path": 'members[value ne "x"]'}, status=400)
    idp.patch(
        f"/Users/{idp.person('bounds@ostiary.example')['id']}", *([{"op": "replace", "value": {}}] * 101), status=400
    )
    assert idp.ask("GET", "/Users?startIndex=99999999999999999999")["Resources"] == []
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert idp.patch(path, {"op": "replace", "path": "displayName", "value": deep}, status=400)
    idp.ask("PATCH", f"{path}?count=x", {"schemas": [PATCH], "Operations": many[:1]}, status=400)
