"""A passkey that stands for the machine whose browser made it (R22): which one does, at the person's own page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ostiary.core.directory.passkeys import Passkey
from ostiary.core.directory.people import Role
from ostiary.core.graph.device import ShownDevice
from ostiary.core.graph.error import Invalid
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, days, minutes
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.attestation import Attesting
from ostiary.services.access.desk import Desk
from ostiary.services.devices.inventory import change_device, register_device, revoke_device
from ostiary.services.devices.passkeys import part_passkey
from ostiary.services.devices.proved import Browser as Shown
from ostiary.services.devices.proved import browser_of
from ostiary.services.directory.access_pass import make_pass
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.services.exemptions.rules import change_rule
from ostiary.services.tokens.caller import Credentials, identify
from ostiary.store import devices, passkeys
from ostiary.web.front.credentials import SESSION
from tests.authenticator import Authenticator, Maker
from tests.web.graph.api import Api
from tests.web.oauth.certificates import Pair, make
from tests.web.oauth.over_tls import PROXY, SECRET
from tests.web.pages.keys import ACCOUNT, enrol, key, options, send, sign_in
from tests.web.pages.site import ALICE, BOB, CAROL, GROUP, NAMES, Browser, Site

LAPTOP, STICK, UNKNOWN = (bytes(range(start, start + 16)) for start in (0, 16, 32))
"""A model that is built into machines, one that is allowed and goes from machine to machine, and one of nobody."""


@dataclass
class Office:
    """A house behind a proxy that tells certificates, with Bob's registered laptop, and makers that it believes."""

    site: Site
    laptop: Pair
    device: ShownDevice
    makers: dict[bytes, Maker]

    def at(self, pair: Pair | None = None) -> Browser:
        """A browser that shows the certificate of *pair*."""
        browser = self.site.browser(address="127.0.0.1")
        told = {"client-cert": f":{pair.base64}:"} if pair is not None else {}
        browser.client.headers.update({"x-proxy-secret": SECRET, "x-forwarded-for": "198.51.100.7", **told})
        return browser

    def bob(self, pair: Pair | None = None) -> Browser:
        """Bob there, freshly proved."""
        browser = self.at(pair)
        browser.sign_in(BOB)
        assert SESSION in browser.cookies
        return browser

    def key(self, model: bytes = LAPTOP, **traits: Any) -> Authenticator:
        """An authenticator of *model*, attested by its maker."""
        return key(self.site, **{"aaguid": model, "maker": self.makers[model], **traits})

    def newest(self) -> Passkey:
        """Bob's newest passkey."""
        return self.site.run(self.site.house.store.read(lambda tx: passkeys.of_user(tx, BOB)))[-1]

    def admin(self) -> Visit:
        """The administrator, freshly proved."""
        return self.site.admin()

    def change(self, reason: str = "as it is now", **changes: Any) -> None:
        """Say something of the laptop."""
        done = self.site.run(change_device(self.site.house, self.admin(), self.device.device.id, changes, reason))
        assert isinstance(done, ShownDevice), done

    def shown_by(self, browser: Browser, **proof: Any) -> Shown:
        """What the house makes of the machine of *browser*, which shows no certificate unless *proof* does."""
        house = self.site.house
        cookie = browser.cookies[SESSION]
        visit = self.site.run(identify(house, Credentials(cookie=cookie), self.site.visit()))
        visit = replace(visit, proof=replace(visit.proof, **proof))
        return self.site.run(house.store.read(lambda tx: browser_of(tx, visit, house.desk.picture.built_in)))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The house."""
    site = Site(tmp_path)
    makers = {model: Maker(model) for model in (LAPTOP, STICK, UNKNOWN)}
    names = frozenset(str(UUID(bytes=model)) for model in (LAPTOP, STICK))
    built_in = frozenset({str(UUID(bytes=LAPTOP))})
    attesting = Attesting(names, (makers[LAPTOP].pem, makers[STICK].pem), built_in)
    desk = Desk(site.house.store, site.clock, built_in=built_in)
    site.run(desk.reload())
    site.house = replace(site.house, desk=desk, settings=replace(site.house.settings, proxy=PROXY, attesting=attesting))
    site.app = site.serve(site.house)
    laptop = make("EC", site.clock.now())
    yield Office(site, laptop, registered(site, laptop), makers)
    site.close()


def registered(site: Site, pair: Pair, **more: Any) -> ShownDevice:
    """A machine of Bob's with that certificate."""
    given = {"name": "laptop-3", "owner": NAMES[BOB], "der": pair.base64, "managed": True, **more}
    made = site.run(register_device(site.house, site.admin(), given, "company laptop"))
    assert isinstance(made, ShownDevice), made
    return made


def test_r22_made_on_the_managed_laptop_it_stands_for_it(office: Office) -> None:
    """R22: kept, told on the page and in the journal; who signs in with it, without a certificate, is there."""
    made, browser = office.key(), office.bob(office.laptop)
    assert enrol(browser, made).status_code == 303
    kept, device = office.newest(), office.device.device
    assert (kept.device, kept.certificate) == (device.id, office.laptop.x5t)
    assert "Stands for your machine <bdi>laptop-3</bdi>" in browser.get(ACCOUNT).text
    assert office.site.entries(Kind.PASSKEY_ADDED)[-1]["detail"]["device"] == device.id
    without = office.at()
    sign_in(without, made)
    assert office.shown_by(without) == Shown(passkey=kept.id)
    assert office.shown_by(without, x5t=office.laptop.x5t) == Shown(device=device.id)


@pytest.mark.parametrize(
    ("model", "traits"),
    [
        (LAPTOP, {"synced": True}),
        (LAPTOP, {"maker": None}),
        (STICK, {}),
        (UNKNOWN, {}),
        (LAPTOP, {"maker": Maker(LAPTOP)}),
    ],
    ids=["synced", "unattested", "security key", "model not allowed", "another maker"],
)
def test_r22_any_other_passkey_is_none(office: Office, model: bytes, traits: dict[str, Any]) -> None:
    """R22: it is enrolled all the same, as a way to sign in, and stands for nothing."""
    made, browser = office.key(model, **traits), office.bob(office.laptop)
    assert enrol(browser, made).status_code == 303
    assert (office.newest().device, office.newest().certificate) == (None, None)
    assert "machine" not in browser.get(ACCOUNT).text
    sign_in(without := office.at(), made)
    assert office.shown_by(without) == Shown()


@pytest.mark.parametrize("where", ["nowhere", "unknown", "another's", "unmanaged", "revoked", "lapsed"])
def test_r22_made_anywhere_else_it_stands_for_nothing(office: Office, where: str) -> None:
    """R22: the browser must show a machine that counts, is managed and is its person's own."""
    site, pair = office.site, make("EC", office.site.clock.now(), lasts=days(200))
    if where == "another's":
        registered(site, pair, name="laptop-4", owner=NAMES[CAROL])
    if where == "lapsed":
        registered(site, pair, name="laptop-4")
        site.clock.move(days(90))
    if where == "unmanaged":
        office.change(managed=False)
    if where == "revoked":
        assert isinstance(
            site.run(revoke_device(site.house, office.admin(), office.device.device.id, "lost")), ShownDevice
        )
    shown = {"nowhere": None, "unmanaged": office.laptop, "revoked": office.laptop}.get(where, pair)
    assert enrol(office.bob(shown), office.key()).status_code == 303
    assert office.newest().attested
    assert office.newest().device is None


def test_r22_only_who_just_proved_a_second_factor_enrols_one(office: Office) -> None:
    """R22, R3: a password or an access pass enrols a passkey, and with neither it stands for the machine."""
    made = office.site.run(make_pass(office.site.house, office.admin(), BOB, lifetime=minutes(10), reason="new here"))
    assert not isinstance(made, Refused)
    by_pass = office.at(office.laptop)
    page = by_pass.get("/signin/pass")
    half = by_pass.submit(page, "/signin/pass", username=NAMES[BOB], **{"pass": made.code})
    page = by_pass.follow(half)
    path = "/signin/enrol/passkey"
    given = send(by_pass, page, path, office.key().create(options(page, path)), name="first")
    assert given.status_code == 200, given.text
    assert (office.newest().attested, office.newest().device) == (True, None)
    assert office.shown_by(by_pass) == Shown()


def test_r22_the_last_proof_says_where_a_browser_is(office: Office) -> None:
    """R22: a code begins on no machine; proved again with the laptop's passkey it is there, with another it is not."""
    laptop, stick = office.key(), office.key(STICK)
    enrol(office.bob(office.laptop), laptop)
    kept = office.newest()
    enrol(office.bob(office.laptop), stick)
    browser = office.bob()
    assert office.shown_by(browser) == Shown()

    def again(held: Authenticator) -> None:
        page = browser.get("/signin/again?return=/account")
        path = "/signin/again/passkey"
        assert send(browser, page, path, held.get(options(page, path))).status_code == 303

    again(laptop)
    assert office.shown_by(browser) == Shown(passkey=kept.id)
    again(stick)
    assert office.shown_by(browser) == Shown()
    again(laptop)
    page = browser.get("/signin/again?return=/account")
    browser.submit(page, "/signin/again", totp=office.site.totp(BOB))
    assert office.shown_by(browser) == Shown()


def test_r22_a_certificate_of_nobody_says_that_it_is_elsewhere(office: Office) -> None:
    """R22: what the browser shows comes before what its passkey stands for."""
    made = office.key()
    enrol(office.bob(office.laptop), made)
    sign_in(browser := office.at(), made)
    assert office.shown_by(browser).passkey == office.newest().id
    assert office.shown_by(browser, x5t=make("EC", office.site.clock.now()).x5t) == Shown()
    assert office.shown_by(browser, unfit="It has expired.") == Shown()


@pytest.mark.parametrize(
    "how", ["revoked", "deleted", "unmanaged", "another's", "another certificate", "lapsed", "removed", "parted"]
)
def test_r22_what_ends_the_machine_or_the_passkey_ends_that(office: Office, how: str) -> None:
    """R22: at the next look, in a session that goes on; the page says so."""
    site, device, made = office.site, office.device.device, office.key()
    mine = office.bob(office.laptop)
    enrol(mine, made)
    kept = office.newest()
    if how == "lapsed":  # before, since a browser session does not last that long
        site.clock.move(days(29))
    sign_in(browser := office.at(), made)
    assert office.shown_by(browser).passkey == kept.id
    if how == "revoked":
        site.run(revoke_device(site.house, office.admin(), device.id, "lost"))
    elif how == "deleted":
        site.run(site.house.store.write(lambda tx: devices.remove(tx, device.id)))
    elif how == "unmanaged":
        office.change(managed=False)
    elif how == "another's":
        office.change(owner=NAMES[CAROL])
    elif how == "another certificate":
        office.change(der=make("EC", site.clock.now()).base64)
    elif how == "lapsed":
        office.change(expires=site.clock.now() + minutes(1))
        site.clock.move(minutes(1))
    elif how == "removed":
        enrol(browser, office.key(STICK))
        site.run(site.house.store.write(lambda tx: passkeys.remove(tx, kept.id, BOB)))
    else:
        assert site.run(part_passkey(site.house, office.admin(), BOB, kept.id, "")) is None
    assert office.shown_by(browser) == Shown()
    text = browser.get(ACCOUNT).text
    assert "Stands for" not in text
    assert ("does not stand for it now" in text) is (how not in ("removed", "parted"))
    assert ("a machine that is not known any more" in text) is (how == "deleted")


def test_r22_administrators_see_the_machine_and_part_it(office: Office) -> None:
    """R22: in Graph's list; parted by an administrator alone, once, and written down; it still signs in."""
    site, made = office.site, office.key()
    enrol(office.bob(office.laptop), made)
    api, methods = Api(site.house), f"/v1.0/users/{NAMES[BOB]}/authentication/fido2Methods"

    def ask(method: str, path: str, status: int, body: Any = None, *roles: Role) -> Any:
        api.caller = site.visit(ALICE, *(roles or (Role.ADMINISTRATOR,))).caller
        return site.run(api.ask(method, path, body, status=status))

    (shown,) = ask("GET", methods, 200)["value"]
    told = {name: shown["ostiary"][name] for name in ("deviceId", "deviceDisplayName", "isDevice")}
    assert told == {"deviceId": office.device.device.id, "deviceDisplayName": "laptop-3", "isDevice": True}
    part = f"{methods}/{shown['id']}/ostiary.partFromDevice"
    ask("POST", part, 403, {}, Role.AUDITOR)
    ask("POST", f"/v1.0/users/{NAMES[CAROL]}/authentication/fido2Methods/{shown['id']}/ostiary.partFromDevice", 404, {})
    ask("POST", f"{methods}/{site.random.guid()}/ostiary.partFromDevice", 404, {})
    ask("POST", part, 204, {"reason": "the laptop went back"})
    (entry,) = site.entries(Kind.PASSKEY_PARTED)
    said = {"device": office.device.device.id, "name": "blue key", "reason": "the laptop went back"}
    assert said.items() <= entry["detail"].items()
    (shown,) = ask("GET", methods, 200)["value"]
    assert (shown["ostiary"]["deviceId"], shown["ostiary"]["isDevice"]) == (None, False)
    ask("POST", part, 409, {})
    assert sign_in(office.at(), made, "/account").status_code in (200, 303)


def test_r22_rules_that_ask_for_a_trusted_device_take_it(office: Office) -> None:
    """R22: more time is asked for in the browser of a managed machine, as its passkey shows, and not elsewhere."""
    site, made = office.site, office.key()
    enrol(office.bob(office.laptop), made)
    rule = (f"Group_{GROUP}_member", "Enablement_EndUser_Assignment")
    changed = site.run(change_rule(site.house, office.admin(), *rule, {"ostiary": {"trustedDevice": True}}, "a rule"))
    assert not isinstance(changed, Refused | Invalid), changed
    wanted = Wanted(BOB, "runs the servers", ends=Instant(site.clock.now() + days(30)))
    assert not isinstance(site.run(give_eligibility(site.house, office.admin(), wanted)), Refused)
    address = f"/account/exemptions/{site.open(BOB)}/extend"
    elsewhere, there = office.bob(), office.at()
    sign_in(there, made)
    refused = elsewhere.submit(elsewhere.get(address), address, length="60", reason="restore still runs")
    assert refused.status_code == 400
    assert "managed device" in refused.text
    asked = there.submit(there.get(address), address, length="60", reason="restore still runs")
    assert asked.status_code == 200, asked.text
    assert "An approver has to say yes" in asked.text
