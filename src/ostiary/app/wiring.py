"""
The composition root: from a configuration to a house. Nothing else puts the parts together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.app.config import Config, ConfigRefused
from ostiary.app.detector import ProcessDetector
from ostiary.app.providers import connection
from ostiary.app.settings import settings
from ostiary.app.telemetry_config import collector
from ostiary.core.directory.credentials import source_of
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.instants import Instant, to_iso
from ostiary.core.words.visit import Visit
from ostiary.outside import Outside, data_folder
from ostiary.outside.apprise import Apprise
from ostiary.outside.clock import BEHIND, Clock, SystemClock
from ostiary.outside.data_folder import FolderLock
from ostiary.outside.geo import GeoFiles, GeoPaths
from ostiary.outside.issuers import Issuers
from ostiary.outside.meters import Commits, Meters
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.passwords import Cost, Passwords
from ostiary.outside.random import Random, SystemRandom
from ostiary.outside.traces import Traces
from ostiary.outside.upstream import Upstream
from ostiary.outside.vault import (
    FoundMaster,
    MasterKey,
    MasterKeyRefused,
    Vault,
    create_master,
    find_master,
    find_previous,
)
from ostiary.services.access.desk import Desk
from ostiary.services.directory.assessments import date_carried
from ostiary.services.directory.found import follow_origin
from ostiary.services.house import House
from ostiary.services.logs.floods import Floods
from ostiary.services.signals.poll_room import PollRoom
from ostiary.services.signals.push import TURNS
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.keyring import Keyring
from ostiary.services.tokens.proofs import Proofs
from ostiary.services.tokens.rotation import ensure_keys
from ostiary.store import Store, logs, restore, seals, signins
from ostiary.store.migrate import migrate
from ostiary.store.sqlite import SqliteStore
from ostiary.store.traced import TracedStore

DATABASE = "ostiary.db"
STREAM = "main"  # the journal stream of the one node of an embedded database (R15)
TLS = "tls"  # the folder of a local authority's certificates
SAMPLE_KEY = "master.key"  # only the sample may keep it in its data folder (R17)


@dataclass(frozen=True, slots=True)
class Parts:
    """What everything else is made of; tests bring their own clock, and hash passwords at a cost of their own."""

    config: Config
    clock: Clock
    random: Random
    lock: FolderLock
    store: SqliteStore
    vault: Vault
    meters: Meters
    warnings: tuple[str, ...] = ()
    """What an operator should hear at a start."""
    cost: Cost = field(default_factory=Cost)
    """Of a password's hash. No configuration reaches it."""


async def open_parts(
    config: Config, environ: Mapping[str, str], *, sample: bool = False, clock: Clock | None = None,
    cost: Cost | None = None,
) -> Parts:  # fmt: skip
    """
    Take the data folder, the master key and the database, migrated.

    Raises FolderRefused, Locked, MasterKeyRefused.
    """
    random = SystemRandom()
    data_folder.prepare(config.data)
    lock = FolderLock(config.data)
    found = master_key(config, environ, random, sample=sample)
    previous = previous_keys(config, environ, sample=sample)
    path = config.data / DATABASE
    migrate(path)
    meters = Meters()
    watch = Commits(meters, clock or SystemClock())
    store = SqliteStore(path, stream=STREAM, salt=lambda: random.bytes(16), watch=watch)
    await store.write(lambda tx: logs.open_stream(tx, STREAM))
    vault = Vault(found.master, random=random, previous=previous, epoch=await store.read(restore.epoch))
    opens_all(vault.ids, await store.survey(seals.counts))
    newest = await store.read(logs.newest)
    told = tuple(warning for warning in (found.warning, _behind(newest)) if warning)
    return Parts(
        config, clock or SystemClock(not_before=newest), random, lock, store, vault, meters, told, cost or Cost()
    )


def _behind(newest: Instant) -> str:
    """What to say when the machine's time is behind what an earlier process wrote."""
    if SystemClock(not_before=newest).behind() <= BEHIND:
        return ""
    return (
        f"the machine's clock is behind the newest journal entry ({to_iso(newest)}): not ready until it has caught up"
    )


def master_key(config: Config, environ: Mapping[str, str], random: Random | None, *, sample: bool) -> FoundMaster:
    """The master key; with *random* the sample's is made where there is none. Raises MasterKeyRefused."""
    path = config.master_key
    if path is None and sample:
        path = config.data / SAMPLE_KEY
        if random is not None and not path.exists():
            create_master(path, random=random)
    return find_master(path=path, data_folder=config.data, sample=sample, environ=environ)


def previous_keys(config: Config, environ: Mapping[str, str], *, sample: bool) -> tuple[MasterKey, ...]:
    """The master keys before the current one. Raises MasterKeyRefused."""
    return find_previous(paths=config.previous_master_keys, data_folder=config.data, sample=sample, environ=environ)


def opens_all(ids: frozenset[bytes], needed: Mapping[bytes, int]) -> None:
    """
    Whether the master keys *ids* open everything that is stored (*needed*: how many values, by master key). Raises
    MasterKeyRefused otherwise: half a house must not serve.
    """
    for id, count in needed.items():
        if id not in ids:
            raise MasterKeyRefused(
                f"{count} stored values are sealed under the master key with id {id.hex()}, which is not here: it is "
                "neither the current one nor one of `previous_master_keys`"
            )


async def open_house(parts: Parts) -> House:
    """
    The house of a founded organisation, its memory filled. Raises BrokenState when it was never founded, ConfigRefused.
    """
    files = GeoPaths(parts.config.geo_country, parts.config.geo_asn, parts.config.geo_city)
    geo = GeoFiles(files)
    told = settings(parts.config)
    desk = Desk(parts.store, parts.clock, geo, told.attesting.built_in)
    keyring, room = Keyring(parts.vault), WaitingRoom()
    outside = _outside(parts, geo)
    house = House(
        store=_store(parts, outside),
        clock=parts.clock,
        random=parts.random,
        vault=parts.vault,
        outside=outside,
        desk=desk,
        room=room,
        keyring=keyring,
        floods=Floods(),
        proofs=Proofs(parts.random.bytes(32), parts.clock.now()),
        settings=told,
        polls=PollRoom(),
        detector=ProcessDetector(parts.config.data / DATABASE, files, parts.clock),
    )
    await follow_origin(parts.store, system_visit(house, "start"), house.settings.origin)
    await date_carried(parts.store, system_visit(house, "start"))
    await desk.reload()
    await ensure_keys(house, system_visit(house, "start"))
    await keyring.load(parts.store)
    await _fill(house)
    return house


def _store(parts: Parts, outside: Outside) -> Store:
    """The store as deeds see it, watched while there are traces."""
    if outside.traces is None:
        return parts.store
    return TracedStore(parts.store, parts.clock.now, outside.traces.note)


def _outside(parts: Parts, geo: GeoFiles) -> Outside:
    """What asks others, as the configuration lets it. Raises ConfigRefused."""
    config = parts.config
    try:
        connections = tuple(connection(provider) for provider in config.upstream)
    except ValueError as wrong:
        raise ConfigRefused((f"upstream.client_secret_file: {wrong}",)) from None
    allowed = read_destinations(config.outgoing_allow)
    try:
        outgoing = Outgoing(allowed, authorities=config.outgoing_ca, proxy=config.outgoing_proxy)
    except ValueError as wrong:
        raise ConfigRefused((f"outgoing_ca: {wrong}",)) from None
    upstream = Upstream(outgoing, parts.clock, connections)
    apprise = Apprise(config.outgoing_allow, authorities=config.outgoing_ca, proxy=config.outgoing_proxy)
    own = Outgoing(read_destinations(config.notice_allow), authorities=config.outgoing_ca, proxy=config.outgoing_proxy)
    own_apprise = Apprise(config.notice_allow, authorities=config.outgoing_ca, proxy=config.outgoing_proxy)
    events = Outgoing(allowed, authorities=config.outgoing_ca, proxy=config.outgoing_proxy, at_once=TURNS)
    return Outside(
        Passwords(cost=parts.cost),
        geo,
        outgoing,
        Issuers(outgoing),
        upstream,
        apprise,
        own,
        own_apprise,
        signal_outgoing=events,
        meters=parts.meters,
        traces=_traces(parts),
    )


def _traces(parts: Parts) -> Traces | None:
    """The tracer of the configuration, which may ask its collector and nobody else (R24)."""
    config = parts.config
    if not config.traces_endpoint:
        return None
    allowed = read_destinations((collector(config.traces_endpoint),))
    outgoing = Outgoing(allowed, authorities=config.outgoing_ca, proxy=config.outgoing_proxy)
    return Traces(config.traces_endpoint, config.traces_ratio, outgoing, parts.random)


async def _fill(house: House) -> None:
    """The waiting room of a node that starts: what the store knows to be pending."""
    now = house.clock.now()
    for digest, client, address, ends, bound in await house.store.read(lambda tx: signins.live(tx, now)):
        house.room.admit(
            digest, client=client, source=source_of(address), ends=ends, interval=house.settings.poll_interval,
            bound=bound,
        )  # fmt: skip


def system_visit(house: House, job: str) -> Visit:
    """The visit of a job of the service itself."""
    return Visit(house.clock.now(), house.random.guid(), caller=Caller(CallerKind.SYSTEM, job, job))


async def close_house(house: House, parts: Parts) -> None:
    """Finish what is in line and give the folder back."""
    await house.outside.background.close()
    await house.outside.pushing.close()
    if house.outside.traces is not None:
        await house.outside.traces.send()
        house.outside.traces.close()
    house.outside.apprise.close()
    house.outside.own_apprise.close()
    house.outside.own_outgoing.close()
    house.outside.signal_outgoing.close()
    house.outside.passwords.close()
    if house.detector is not None:
        house.detector.close()
    house.outside.outgoing.close()
    await parts.store.close()
    parts.lock.release()
