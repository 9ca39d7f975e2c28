"""
What a registration still allows of something that was given under it: looked at whenever that is used.

An approval, an authorization code and a family of refresh tokens are promises of yesterday. Device flow may have been
switched off since, the resource deleted or switched off, a consent withdrawn, a scope made administrative (R3), a
resource taken off the list of those in reach (R7). What is gone is not given; it only ever shrinks. Every grant asks
here. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.tokens.scopes import Asked, default_scopes, reach, split
from ostiary.core.words.ids import AppId
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["still_allowed", "still_asked", "still_reached"]


def still_allowed(
    picture: Picture, client: Application, resource: AppId, kept: tuple[str, ...], *, device: bool
) -> Asked | Refused:
    """
    What is left of *kept* (in the form of `scopes.stored`), which *client* was given for *resource*.

    *device*: it was asked for with a device code. Reasons: DEVICE_FLOW_OFF, UNKNOWN_RESOURCE, NO_CONSENT.
    """
    target = picture.applications.get(resource)
    if target is None:
        return Refused(Reason.UNKNOWN_RESOURCE)
    return still_asked(picture, client, Asked(target, *split(kept)), device=device)


def still_asked(picture: Picture, client: Application, asked: Asked, *, device: bool) -> Asked | Refused:
    """The same of a refresh, which names anew what it wants of what was given."""
    if device and not client.device_flow:
        return Refused(Reason.DEVICE_FLOW_OFF)
    if not asked.resource.enabled:
        return Refused(Reason.UNKNOWN_RESOURCE)
    now = default_scopes(picture, client, asked.resource, device=device)
    left = tuple(name for name in now if name in asked.scopes)
    if asked.scopes and not left:
        return Refused(Reason.NO_CONSENT)
    return replace(asked, scopes=left, words=tuple(word for word in asked.words if _told(word, left)))


def still_reached(
    picture: Picture, client: Application, kept: Mapping[AppId, tuple[str, ...]], *, device: bool
) -> dict[AppId, tuple[str, ...]]:
    """What is left of the reach *kept* on a family (R7): never more than it was, never more than is registered now."""
    now = reach(picture, client, device=device)
    left = {id: tuple(name for name in now.get(id, ()) if name in names) for id, names in kept.items()}
    return {id: names for id, names in left.items() if names}


def _told(word: str, granted: tuple[str, ...]) -> bool:
    """Whether *word* may be told back (RFC 6749 §5.1): `.default` always, a name only when it is granted."""
    value = word.rpartition("/")[2]
    return value == ".default" or value in granted
