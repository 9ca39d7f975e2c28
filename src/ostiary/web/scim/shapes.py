"""
Users and groups as SCIM shows them (RFC 7643 §4), and what is read of them.

Of a person only what is kept: name, display name, one address, whether they are active. Anything else that a
provisioner sends is left out without a word, as Entra and Okta expect; what it sends of these is read strictly.
"""

from typing import Annotated, Any

from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    GroupMember,
    Meta,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models import Group as CoreGroup

from ostiary.core.directory.provisioning import Kept, Person, Team
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import to_datetime
from ostiary.services.directory.provision_groups import Filled
from ostiary.services.directory.provision_users import Account

__all__ = [
    "BASE", "MOST_SHOWN", "POLICY", "PROVIDER", "Group", "User", "group_of", "person_from", "team_from", "user_of",
]  # fmt: skip

BASE = "/scim/v2"
MOST_SHOWN = 200
"""Resources on a page."""

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,  # how Entra takes members out
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,  # `emails[type eq "work"].value`, the first time
)


class Email(ComplexAttribute):
    """The one address that is kept; shown as that of work, which is where Entra puts it."""

    value: str | None = None
    type: str | None = None
    primary: bool | None = None


class User(Resource[Any]):
    """A person (RFC 7643 §4.1), as far as it is kept."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """What the person signs in with: like an address."""
    display_name: str | None = None
    """The person's name; the user name, where none is given."""
    active: bool | None = None
    """False: everything of this person ends at once."""
    emails: list[Email] | None = None
    """Where to write to; one is kept, the primary one or else the first."""


class Group(CoreGroup):
    """A group (RFC 7643 §4.2)."""


PROVIDER = ScimProvider(
    models=[User, Group],
    resource_types=[ResourceType.from_resource(User), ResourceType.from_resource(Group)],
    config=ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST_SHOWN),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=False),
        authentication_schemes=[
            AuthenticationScheme(
                name="OAuth Bearer Token",
                description="A token that an administrator made with `ostiary provisioner add`.",
                type=AuthenticationScheme.Type.oauthbearertoken,
                primary=True,
            )
        ],
    ),
    policy=POLICY,
)


def _meta(kind: str, origin: str, kept: Kept) -> Meta:
    return Meta(
        resource_type=kind,
        created=to_datetime(kept.created),
        last_modified=to_datetime(kept.modified),
        location=f"{origin}{BASE}/{kind}s/{kept.id}",
    )


def user_of(account: Account, origin: str) -> User:
    """The account as a provisioner sees it; *origin* has no slash at its end."""
    user, kept = account.user, account.kept
    return User(
        id=user.id,
        external_id=kept.external,
        user_name=user.principal_name,
        display_name=user.display_name,
        active=user.enabled,
        emails=[Email(value=user.mail, type="work", primary=True)] if user.mail else None,
        meta=_meta("User", origin, kept),
    )


def person_from(told: User) -> Person:
    """What a provisioner says of a person."""
    name = told.user_name or ""
    emails = [one for one in told.emails or () if one.value]
    mail = next((one.value for one in emails if one.primary), emails[0].value if emails else None)
    return Person(name, told.display_name or name, mail, told.active is not False, told.external_id)


def group_of(filled: Filled, origin: str) -> Group:
    """The group as a provisioner sees it."""
    return Group(
        id=filled.group.id,
        external_id=filled.kept.external,
        display_name=filled.group.display_name,
        members=[
            GroupMember(value=id, type="User", ref=Reference(f"{origin}{BASE}/Users/{id}"))
            for id in sorted(filled.members or ())
        ]
        or None,
        meta=_meta("Group", origin, filled.kept),
    )


def team_from(told: Group) -> Team:
    """What a provisioner says of a group."""
    members = frozenset(UserId(one.value) for one in told.members or () if one.value)
    return Team(told.display_name or "", told.external_id, members)
