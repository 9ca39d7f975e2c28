"""
Is this deployment sound? Each check looks at one thing and says what to do about it; none changes anything.

Works while the service runs, and without it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest

from ostiary.app.config import Config
from ostiary.app.wiring import DATABASE, TLS, master_key, opens_all, previous_keys
from ostiary.core.words.errors import StoreFailed
from ostiary.core.words.instants import Instant, between, days, to_iso
from ostiary.outside.clock import BEHIND
from ostiary.outside.data_folder import exposed, free_space
from ostiary.outside.geo import GeoFiles, GeoPaths
from ostiary.outside.random import SystemRandom
from ostiary.outside.signing_keys import open_key
from ostiary.outside.tls import certificate_ends, server_context
from ostiary.outside.vault import MasterKeyRefused, SealBroken, Vault
from ostiary.services.directory.erase import STAMP, stamp_of
from ostiary.store import keys
from ostiary.store.backup import Inspected, inspect
from ostiary.store.erasures import Erasure
from ostiary.store.migrate import newest

__all__ = ["CHECKS", "Finding", "examine"]

LEAST_SPACE = 512 * 1024 * 1024  # bytes: the database, its log and one copy of a small organisation
SOON = days(14)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    good: bool
    text: str


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at. *house* is None when the database cannot be read."""

    config: Config
    environ: Mapping[str, str]
    now: Instant
    house: Inspected | None
    trouble: str


Check = Callable[[Patient], Finding]


def examine(config: Config, environ: Mapping[str, str], now: Instant) -> tuple[Finding, ...]:
    """Every check."""
    house, trouble = None, ""
    try:
        house = inspect(config.data / DATABASE)
    except (StoreFailed, OSError) as wrong:
        trouble = str(wrong)
    patient = Patient(config, environ, now, house, trouble)
    return tuple(check(patient) for check in CHECKS)


def _folder(patient: Patient) -> Finding:
    data = patient.config.data
    paths = [data, data / DATABASE, *data.glob(f"{DATABASE}-*")]
    open_ones = [f"{path}: {reason}" for path in paths if (reason := exposed(path))]
    return Finding("data folder", not open_ones, "; ".join(open_ones) or f"{data} is private")


def _database(patient: Patient) -> Finding:
    house = patient.house
    if house is None:
        return Finding("database", False, patient.trouble)
    if house.revision != newest():
        return Finding("database", False, f"at revision {house.revision}, this program is at {newest()}: run `migrate`")
    return Finding("database", True, f"whole, revision {house.revision}, {house.entries} journal entries")


def _organisation(patient: Patient) -> Finding:
    house = patient.house
    if house is None or not house.tenant:
        return Finding("organisation", False, "none: run `ostiary-server init`")
    if house.sample:
        return Finding("organisation", False, "this is the sample organisation: never for real use (R18)")
    return Finding("organisation", True, house.tenant)


def _master(patient: Patient) -> Finding:
    sample = patient.house is not None and patient.house.sample
    try:
        found = master_key(patient.config, patient.environ, None, sample=sample)
        previous = previous_keys(patient.config, patient.environ, sample=sample)
        vault = Vault(found.master, random=SystemRandom(), previous=previous)
        opens_all(vault.ids, patient.house.sealed if patient.house else {})
        for row in patient.house.keys if patient.house else ():
            if row.sealed:
                open_key(vault, row.sealed, kid=row.kid, table=keys.TABLE, field=keys.FIELD)
    except MasterKeyRefused as refused:
        return Finding("master key", False, refused.reason)
    except SealBroken:
        return Finding("master key", False, "a stored signing key does not open: its row was changed")
    if found.warning:
        return Finding("master key", False, found.warning)
    return _rewrapped(patient, vault, found.source)


def _rewrapped(patient: Patient, vault: Vault, source: str) -> Finding:
    """Whether a change of master key was finished (R17)."""
    sealed = patient.house.sealed if patient.house else {}
    left = sum(count for id, count in sealed.items() if id != vault.current_id)
    if left:
        return Finding("master key", False, f"{left} values are still sealed under a previous one: run `keys rewrap`")
    begun = sum(_is_older(vault, one) for one in patient.house.erasures) if patient.house else 0
    if begun:
        text = f"{begun} erasures that go on were asked for under a previous one: run `keys rewrap`"
        return Finding("master key", False, text)
    more = f"; nothing needs the {len(vault.ids) - 1} previous any more" if len(vault.ids) > 1 else ""
    return Finding("master key", True, f"opens what is stored ({source}){more}")


def _is_older(vault: Vault, one: Erasure) -> bool:
    """Whether an erasure was asked for under a previous master key that is here."""
    older = [key for id, key in vault.lasting(STAMP).items() if id != vault.current_id]
    return any(compare_digest(stamp_of(key, one), one.stamp) for key in older)


def _signing(patient: Patient) -> Finding:
    rows = patient.house.keys if patient.house else ()
    now = patient.now
    able = {r.algorithm for r in rows if r.sealed and r.signs_from <= now and (r.signs_until or now + 1) > now}
    missing = sorted({"ES256", "RS256"} - able)
    if missing:
        return Finding("signing keys", False, f"none for {', '.join(missing)}: the next start makes them")
    return Finding("signing keys", True, f"{len(rows)} kept, both algorithms can sign")


def _tls(patient: Patient) -> Finding:
    config = patient.config
    if config.plain:
        return Finding("TLS", True, "ended by the proxy")
    chain = config.certificate or config.data / TLS / "server.pem"
    key = config.certificate_key or config.data / TLS / "server.key"
    if config.certificate is None and not chain.exists():
        return Finding("TLS", False, "no certificate is configured, and none made yet: the first start makes one")
    try:
        server_context(chain, key)
        ends = certificate_ends(chain)
    except (OSError, ValueError) as wrong:
        return Finding("TLS", False, str(wrong))
    reason = exposed(key)
    if reason:
        return Finding("TLS", False, f"{key}: {reason}")
    return Finding("TLS", between(patient.now, ends) > SOON, f"the certificate ends {to_iso(ends)}")


def _clock(patient: Patient) -> Finding:
    """A clock that runs behind what was written already would let tokens live longer than they may."""
    last = patient.house.last if patient.house else Instant(0)
    if between(patient.now, last) > BEHIND:
        return Finding("clock", False, f"the newest journal entry is of {to_iso(last)}, the clock says earlier")
    return Finding("clock", True, to_iso(patient.now))


def _space(patient: Patient) -> Finding:
    try:
        space = free_space(patient.config.data)
    except OSError as wrong:
        return Finding("disk", False, str(wrong.strerror))
    return Finding("disk", space.free >= LEAST_SPACE, f"{space.free // 2**20} MiB free of {space.total // 2**20}")


def _geo(patient: Patient) -> Finding:
    """A file that was named and cannot be read makes every country unknown: policies about places get strict."""
    config = patient.config
    paths = GeoPaths(config.geo_country, config.geo_asn, config.geo_city)
    troubles = GeoFiles(paths).troubles
    named = [str(path) for path in (paths.country, paths.network, paths.city) if path is not None]
    return Finding("geo files", not troubles, "; ".join(troubles) or ", ".join(named) or "none: countries are unknown")


def _switch(patient: Patient) -> Finding:
    killed = patient.house.killed if patient.house else None
    if killed is not None:
        text = f"on since {to_iso(killed)}: no device sign-in; `ostiary kill-switch off` by two administrators"
        return Finding("kill switch", False, text)
    return Finding("kill switch", True, "off")


CHECKS: tuple[Check, ...] = (_folder, _database, _organisation, _master, _signing, _tls, _clock, _space, _geo, _switch)
