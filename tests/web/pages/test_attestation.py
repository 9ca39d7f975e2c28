"""Which model made a passkey: asked for where models are allowed, believed from its maker alone (R22)."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from ostiary.app.config import ConfigRefused, load
from ostiary.app.settings import settings
from ostiary.core.directory.passkeys import Passkey, device_bound
from ostiary.core.logs.kinds import Kind
from ostiary.outside.attestation import NO_MODELS, Attesting, read_roots
from ostiary.store import passkeys
from tests.authenticator import Authenticator, Maker
from tests.web.pages.keys import enrol, key, sign_in
from tests.web.pages.site import BOB, Browser, Site

MODEL, OTHER = bytes(range(16)), bytes(range(16, 32))
NAME = str(UUID(bytes=MODEL))


@pytest.fixture
def maker() -> Maker:
    """The maker of the allowed model."""
    return Maker(MODEL)


@pytest.fixture
def person(site: Site, maker: Maker) -> Browser:
    """Bob, in a house that allows one model."""
    allow(site, Attesting(frozenset({NAME}), (maker.pem,)))
    browser = site.browser()
    browser.sign_in(BOB)
    return browser


def allow(site: Site, attesting: Attesting) -> None:
    """The house as it is with *attesting*."""
    site.house = replace(site.house, settings=replace(site.house.settings, attesting=attesting))
    site.app = site.serve(site.house)


def kept_of(site: Site, made: Authenticator) -> Passkey:
    """*made* as it is kept among Bob's passkeys."""
    found = site.run(site.house.store.read(lambda tx: passkeys.of_user(tx, BOB)))
    (one,) = (each for each in found if each.credential == made.credential)
    return one


def test_r22_an_allowed_model_is_attested_by_its_maker(site: Site, person: Browser, maker: Maker) -> None:
    """R22: kept with the passkey and in the journal, and seen by administrators; it signs in as any other."""
    made = key(site, aaguid=MODEL, maker=maker)
    assert enrol(person, made).status_code == 303
    assert made.asked_for == "direct"
    kept = kept_of(site, made)
    assert (kept.attested, kept.aaguid, device_bound(kept)) == (True, NAME, True)
    assert site.entries(Kind.PASSKEY_ADDED)[-1]["detail"]["attested"] is True
    assert sign_in(site.browser(), made, "/account").status_code == 200
    assert kept_of(site, made).attested


def forged(site: Site, maker: Maker) -> dict[str, Authenticator]:
    """Passkeys that say they are of the allowed model, and are not by any word that counts."""
    return {
        "no attestation": key(site, aaguid=MODEL),
        "another root": key(site, aaguid=MODEL, maker=Maker(MODEL)),
        "a certificate for another model": key(site, aaguid=MODEL, maker=replace(maker, names_model=OTHER)),
        "a certificate for no model": key(site, aaguid=MODEL, maker=replace(maker, names_model=None)),
        "an authority's certificate": key(site, aaguid=MODEL, maker=replace(maker, authority=True)),
        "a certificate for something else": key(site, aaguid=MODEL, maker=replace(maker, unit="Web server")),
        "a model that is not allowed": key(site, aaguid=OTHER, maker=replace(maker, aaguid=OTHER)),
    }


def test_r22_whoever_only_says_its_model_is_a_passkey_and_not_attested(
    site: Site, person: Browser, maker: Maker
) -> None:
    """R22: it is a good second step all the same; only what trusts models does not trust it."""
    for what, made in forged(site, maker).items():
        assert enrol(person, made).status_code == 303, what
        assert kept_of(site, made).attested is False, what


def test_r22_a_statement_with_a_wrong_signature_is_no_passkey(site: Site, person: Browser, maker: Maker) -> None:
    """R22: whoever attests wrongly is not let in as somebody who attests nothing."""
    wrong = replace(maker)
    wrong.key = Maker(MODEL).key
    wrong.leaf = maker.leaf
    assert enrol(person, key(site, aaguid=MODEL, maker=wrong)).status_code != 303
    assert site.run(site.house.store.read(lambda tx: passkeys.of_user(tx, BOB))) == ()


def test_r22_where_no_model_is_allowed_nobody_is_asked(site: Site, maker: Maker) -> None:
    """R22: many browsers trouble the person with that question."""
    browser = site.browser()
    browser.sign_in(BOB)
    made = key(site, aaguid=MODEL, maker=maker)
    assert enrol(browser, made).status_code == 303
    assert made.asked_for == "none"
    assert kept_of(site, made).attested is False


def test_r22_models_and_roots_are_configured_together(tmp_path: Path, maker: Maker) -> None:
    """R22: a list without roots, or roots without a list, would quietly believe nobody."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(maker.pem + Maker(OTHER).pem)
    assert len(read_roots(roots)) == 2
    told = settings(load(None, {}, passkey_models=(NAME.upper(),), passkey_roots=roots)).attesting
    assert told.models == {NAME}
    assert not told.built_in
    assert settings(load(None, {})).attesting == NO_MODELS
    for given in ({"passkey_models": (NAME,)}, {"passkey_roots": roots}):
        with pytest.raises(ConfigRefused):
            settings(load(None, {}, **given))
    built_in = settings(load(None, {}, passkey_models=(NAME,), passkey_roots=roots, passkey_device_models=(NAME,)))
    assert built_in.attesting.built_in == {NAME}
    with pytest.raises(ConfigRefused):
        load(None, {}, passkey_models=(NAME,), passkey_roots=roots, passkey_device_models=(str(UUID(bytes=OTHER)),))
    with pytest.raises(ConfigRefused):
        load(None, {}, passkey_device_models=(NAME,))
    (tmp_path / "none.pem").write_text("nothing")
    with pytest.raises(ConfigRefused):
        settings(load(None, {}, passkey_models=(NAME,), passkey_roots=tmp_path / "none.pem"))
    for name in ("x", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(ConfigRefused):
            load(None, {}, passkey_models=(name,), passkey_roots=roots)
