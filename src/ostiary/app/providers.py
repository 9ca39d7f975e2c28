"""
The upstream providers that an organisation believes, as its operator writes them: `[[upstream]]` tables of the file.

They stand in the file and not in the database: whoever may add a provider may be anybody, so an administrator's session
is not enough for it (0053). The client's secret stands in a file of its own.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ostiary.core.access.strengths import Strength
from ostiary.core.tokens.upstream import Match, Proof, Provider
from ostiary.core.words.destinations import place_of
from ostiary.core.words.ids import GroupId, is_guid
from ostiary.core.words.instants import seconds
from ostiary.outside.upstream import Connection

__all__ = ["ProviderConfig", "connection", "document"]

_STRENGTHS = {"mfa": Strength.MFA, "phishingResistant": Strength.PHISHING_RESISTANT}
LEAST_SECRET = 16  # characters

Algorithm = Literal["RS256", "PS256", "ES256"]
Text = Annotated[str, Field(min_length=1, max_length=255)]


class ProofConfig(BaseModel):
    """One line of `proofs`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    acr: Annotated[Text | None, Field(description="The whole value of the claim `acr`.")] = None
    amr: Annotated[Text | None, Field(description="One of the values of the claim `amr`.")] = None
    gives: Annotated[Literal["mfa", "phishingResistant"], Field(description="The authentication strength.")]

    @model_validator(mode="after")
    def _one(self) -> "ProofConfig":
        if (self.acr is None) == (self.amr is None):
            raise ValueError("name acr or amr, one of them")
        return self


class ProviderConfig(BaseModel):
    """One `[[upstream]]` table. Every default is the safe one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[
        str,
        Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="In addresses and in the journal; never change it."),
    ]
    title: Annotated[str, Field(min_length=1, max_length=64, description="What the button on the sign-in page says.")]
    issuer: Annotated[str, Field(max_length=512, description="Exactly what it calls itself in its discovery document.")]
    client_id: Annotated[Text, Field(description="Our registration there.")]
    client_secret_file: Annotated[
        Path | None, Field(description="File with the client's secret; none for a public client (PKCE is always used).")
    ] = None
    client_authentication: Annotated[
        Literal["basic", "post"], Field(description="How the secret is sent: in the header, or in the form.")
    ] = "basic"
    scopes: Annotated[
        tuple[Text, ...],
        Field(description="What is asked for; without a refresh token `recheck` cannot be."),
    ] = ("openid", "profile", "email", "offline_access")
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1, description="With which it may sign.")] = (
        "RS256", "ES256",
    )  # fmt: skip
    domains: Annotated[
        tuple[str, ...],
        Field(
            description="Domains whose people this provider, and nobody else, names: there an account without a role "
            "is recognised at its first sign-in. Empty: an administrator links each person."
        ),
    ] = ()
    match: Annotated[
        Literal["email", "preferred_username"],
        Field(description="The claim that names them: `email` counts only if verified."),
    ] = "email"
    create: Annotated[bool, Field(description="Make an account for somebody of `domains` who has none.")] = False
    proofs: Annotated[
        tuple[ProofConfig, ...],
        Field(
            description='What `acr` or `amr` prove here, e.g. `{ amr = "mfa", gives = "mfa" }`; without a line that '
            "fits, a second step of ours follows."
        ),
    ] = ()
    acr_values: Annotated[tuple[Text, ...], Field(description="What the provider is asked to prove.")] = ()
    groups_claim: Annotated[Text, Field(description="The claim that lists groups.")] = "groups"
    groups: Annotated[
        dict[str, str],
        Field(description="Value of that claim → id of a group here. Roles and the exception group come from nowhere."),
    ] = {}
    recheck: Annotated[
        int,
        Field(
            ge=0,
            le=45,
            description="Seconds between two questions whether the person is still one of its own; 0: never.",
        ),
    ] = 30
    grace: Annotated[
        int,
        Field(ge=0, le=3600, description="Seconds that its last yes counts while it cannot be asked; then all ends."),
    ] = 300

    @field_validator("issuer")
    @classmethod
    def _place(cls, value: str) -> str:
        if place_of(value) is None or "?" in value or "#" in value:
            raise ValueError("must be an https address without query")
        return value

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value or any(" " in scope for scope in value):
            raise ValueError("must contain openid, each scope by itself")
        return value

    @field_validator("domains")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(domain != domain.lower() or "@" in domain or not domain.isascii() or not domain for domain in value):
            raise ValueError("must be domain names in lower case")
        return value

    @field_validator("recheck")
    @classmethod
    def _often(cls, value: int) -> int:
        if 0 < value < 5:
            raise ValueError("must be 0, or 5 to 45")
        return value

    @field_validator("groups")
    @classmethod
    def _ids(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(map(is_guid, value.values())):
            raise ValueError("must lead to ids of groups")
        return value

    @model_validator(mode="after")
    def _names_somebody(self) -> "ProviderConfig":
        if self.create and not self.domains:
            raise ValueError("create: needs the domains whose people it may create")
        return self


def connection(config: ProviderConfig) -> Connection:
    """The provider with its client's secret. Raises ValueError where that cannot be read."""
    secret = ""
    if config.client_secret_file is not None:
        try:
            secret = config.client_secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as wrong:
            raise ValueError(f"{config.client_secret_file}: {type(wrong).__name__}") from None
        if len(secret) < LEAST_SECRET:
            raise ValueError(f"{config.client_secret_file}: needs at least {LEAST_SECRET} characters")
    provider = Provider(
        name=config.name,
        title=config.title,
        issuer=config.issuer,
        client_id=config.client_id,
        scopes=config.scopes,
        algorithms=config.algorithms,
        domains=config.domains,
        match=Match(config.match),
        create=config.create,
        proofs=tuple(_proof(line) for line in config.proofs),
        acr_values=config.acr_values,
        groups_claim=config.groups_claim,
        groups={value: GroupId(group) for value, group in config.groups.items()},
        rechecked=config.recheck > 0,
        recheck=seconds(config.recheck or 30),
        grace=seconds(config.grace),
    )
    return Connection(provider, secret, config.client_authentication == "basic")


def _proof(line: ProofConfig) -> Proof:
    claim, value = ("acr", line.acr) if line.acr is not None else ("amr", line.amr)
    return Proof(claim, str(value), _STRENGTHS[line.gives])


def document() -> list[str]:
    """Its part of docs/configuration.md."""
    lines = ["", "## `[[upstream]]`", "", "One table for each provider ([upstream.md](upstream.md)).", "",
             "| Key | Default | Meaning |", "|---|---|---|"]  # fmt: skip
    for name, field in ProviderConfig.model_fields.items():
        lines.append(f"| `{name}` | {_default(field.is_required(), field.default)} | {field.description} |")
    return lines


def _default(required: bool, value: Any) -> str:
    if required:
        return "required"
    shown = (
        " ".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
    )
    return f"`{shown}`" if value not in (None, "", (), {}) else "`–`"
