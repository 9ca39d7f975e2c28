"""
The sample organisation (R18): people with random passwords and seeds, printed once, for trying things on loopback.
"""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.app.wiring import Parts
from ostiary.core.directory.credentials import normal_password
from ostiary.core.directory.founding import PEOPLE, SamplePerson, plan
from ostiary.core.directory.people import Role
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.ids import UserId
from ostiary.core.words.visit import Visit
from ostiary.outside import files, totp
from ostiary.outside.passwords import Passwords
from ostiary.services.directory.credentials import SEED
from ostiary.services.directory.found import Person, found

SECRETS = "sample-people.json"
DOMAIN = "ostiary.example"
NAME = "Sample organisation"


@dataclass(frozen=True, slots=True)
class Secret:
    """What a person of the sample signs in with."""

    name: str
    password: str = field(repr=False)
    seed: str = field(repr=False)
    roles: tuple[str, ...]


async def found_sample(parts: Parts) -> tuple[Secret, ...]:
    """Found the sample organisation and write who can sign in to a file of its own, 0600."""
    random, now = parts.random, parts.clock.now()
    visit = Visit(now, random.guid(), caller=Caller(CallerKind.SYSTEM, "found", "found"))
    passwords = Passwords(cost=parts.cost)
    try:
        made = await asyncio.gather(*(_person(parts, passwords, who) for who in PEOPLE))
    finally:
        passwords.close()
    owner = next(person for person, _ in made if Role.ADMINISTRATOR in person.roles)
    design = plan(
        tenant=random.guid(), name=NAME, origin=parts.config.origin, sample=True, domains=(DOMAIN,),
        group=random.guid(), policy=random.guid(), now=now,
        owner=owner.id, owner_name=owner.principal_name,
    )  # fmt: skip
    await found(parts.store, visit, design, tuple(person for person, _ in made))
    secrets = tuple(secret for _, secret in made)
    content = {s.name: {"password": s.password, "totp": s.seed, "roles": list(s.roles)} for s in secrets}
    files.replace(parts.config.data / SECRETS, json.dumps(content, indent=1).encode(), mode=files.PRIVATE)
    return secrets


async def _person(parts: Parts, passwords: Passwords, who: SamplePerson) -> tuple[Person, Secret]:
    random = parts.random
    password, seed, authenticator = random.token(96), totp.new_seed(random), random.guid()
    sealed = parts.vault.seal(SEED, "authenticators", authenticator, "sealed", seed.encode())
    encoded = await passwords.hash(normal_password(password))
    name = f"{who.name}@{DOMAIN}"
    person = Person(UserId(random.guid()), name, who.display_name, who.roles, encoded, authenticator, sealed)
    return person, Secret(name, password, seed, tuple(sorted(role.value for role in who.roles)))


def read_secrets(data: Path) -> tuple[Secret, ...]:
    """Who can sign in to the sample in *data*."""
    content = json.loads((data / SECRETS).read_text("utf-8"))
    return tuple(Secret(name, one["password"], one["totp"], tuple(one["roles"])) for name, one in content.items())
