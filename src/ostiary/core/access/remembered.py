"""
Facts as JSON, both ways: what a decision was taken on stands in the journal beside it, so that it can be explained
again.

What is unknown is left out, what is known to be none is null. Lists are sorted and numbers whole, so that the same
facts are written in one way only (R15).
"""

from collections.abc import Callable, Mapping
from typing import Any

from ostiary.core.access.facts import NOWHERE, UNKNOWN, DeviceFacts, Facts, Place, Unknown

_NAMES = {
    "user": "user", "groups": "groups", "roles": "roles", "application": "application", "resource": "resource",
    "scopes": "scopes", "client_type": "clientType", "transfer_method": "transferMethod", "amr": "amr",
    "proof_age": "proofAge", "platform": "platform", "sign_in_risk": "signInRisk", "user_risk": "userRisk",
    "person": "person", "requester": "requester", "person_device": "personDevice",
    "requester_device": "requesterDevice", "number_confirmed": "numberConfirmed", "start_ticket": "startTicket",
    "service_principal": "servicePrincipal",
    "reference_bound": "referenceBound", "machine_bound": "machineBound",
}  # fmt: skip
_PLACE = ("address", "country", "network", "coordinates", "named", "unsure")
_SETS = ("groups", "roles", "scopes")
_DEVICE = ("id", "compliant", "managed", "keyBound", "attributes")
_LONGEST = 512  # of a text
_MOST = 4000  # of a list


def facts_document(facts: Facts) -> dict[str, Any]:
    """*facts* as JSON values."""
    document: dict[str, Any] = {}
    for name, key in _NAMED:
        value = getattr(facts, name)
        if value is not UNKNOWN and value is not NOWHERE:
            document[key] = _WRITE.get(type(value), _as_it_is)(value)
    return document


def _as_it_is(value: Any) -> Any:
    return value


def _place(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("address", "country", "network"):
        value = getattr(place, name)
        if value is not UNKNOWN:
            found[name] = value
    if place.coordinates is not UNKNOWN:
        found["coordinates"] = None if place.coordinates is None else list(place.coordinates)
    if not isinstance(place.named, Unknown):
        found["named"] = sorted(place.named)
    if place.unsure:
        found["unsure"] = sorted(place.unsure)
    return found


def _device(device: DeviceFacts) -> dict[str, Any]:
    return {
        "id": device.id,
        "compliant": device.compliant,
        "managed": device.managed,
        "keyBound": device.key_bound,
        "attributes": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in sorted(device.attributes.items())
        },
    }


_WRITE: Mapping[type, Callable[[Any], Any]] = {Place: _place, DeviceFacts: _device, frozenset: sorted, tuple: list}
_NAMED = tuple(_NAMES.items())


def facts_from(document: Mapping[str, Any]) -> Facts:
    """
    Read `facts_document`. Raises ValueError, naming the field, for what no such document holds: simulations and policy
    tests bring theirs from outside.
    """
    unknown = set(document) - set(_NAMES.values())
    if unknown:
        raise ValueError(f"{min(map(str, unknown))[:60]}: there is no such fact")
    values: dict[str, Any] = {}
    for name, key in _NAMES.items():
        if key in document:
            values[name] = _READ.get(name, _text)(key, document[key])
    return Facts(**values)


def _wrong(key: str, wanted: str) -> ValueError:
    return ValueError(f"{key}: must be {wanted}")


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _wrong(key, "a text")
    return value


def _perhaps_text(key: str, value: Any) -> str | None:
    return None if value is None else _text(key, value)


def _list(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise _wrong(key, "a list of texts")
    return tuple(_text(key, item) for item in value)


def _set(key: str, value: Any) -> frozenset[str]:
    return frozenset(_list(key, value))


def _whole(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(key, "a whole number")
    return value


def _truth(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, "true or false")
    return value


def _perhaps_truth(key: str, value: Any) -> bool | None:
    return None if value is None else _truth(key, value)


def _object(key: str, value: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(key, "an object")
    for name in value:
        if name not in known:
            raise ValueError(f"{key}.{str(name)[:60]}: there is no such fact")
    return value


def _read_place(key: str, value: Any) -> Place:
    given = _object(key, value, _PLACE)
    read: dict[str, Any] = {}
    if "address" in given:
        read["address"] = _text(f"{key}.address", given["address"])
    if "country" in given:
        read["country"] = _perhaps_text(f"{key}.country", given["country"])
    if "network" in given:
        read["network"] = None if given["network"] is None else _whole(f"{key}.network", given["network"])
    if "coordinates" in given:
        read["coordinates"] = _coordinates(f"{key}.coordinates", given["coordinates"])
    read |= {name: _set(f"{key}.{name}", given[name]) for name in ("named", "unsure") if name in given}
    return Place(**read)


def _coordinates(key: str, value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise _wrong(key, "latitude and longitude in 1/10,000 degree")
    north, east = (_whole(key, number) for number in value)
    return north, east


def _read_device(key: str, value: Any) -> DeviceFacts | None:
    if value is None:
        return None
    given = _object(key, value, _DEVICE)
    attributes = given.get("attributes", {})
    if not isinstance(attributes, dict) or len(attributes) > _LONGEST:
        raise _wrong(f"{key}.attributes", "an object")
    return DeviceFacts(
        _text(f"{key}.id", given.get("id")),
        _truth(f"{key}.compliant", given.get("compliant", False)),
        _truth(f"{key}.managed", given.get("managed", False)),
        _truth(f"{key}.keyBound", given.get("keyBound", False)),
        attributes={
            _text(key, name): _list(key, one) if isinstance(one, list) else _perhaps_text(key, one)
            for name, one in attributes.items()
        },
    )


_READ: Mapping[str, Any] = {
    **dict.fromkeys(_SETS, _set),
    **dict.fromkeys(("user", "service_principal"), _perhaps_text),
    "amr": _list,
    "proof_age": _whole,
    "transfer_method": _perhaps_text,
    **dict.fromkeys(("person", "requester"), _read_place),
    **dict.fromkeys(("person_device", "requester_device"), _read_device),
    **dict.fromkeys(("number_confirmed", "reference_bound", "machine_bound"), _perhaps_truth),
    "start_ticket": _truth,
}
