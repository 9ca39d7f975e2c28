"""
The address that carries its code (RFC 8628 §3.3.1): made for applications whose registration sends it, and known again
by an HMAC of the code, so that opening an address looks no code up and is no way to guess one (R10).
"""

from ostiary.core.signins import user_code
from ostiary.core.words.digests import keyed, same
from ostiary.services.house import House

PURPOSE = "complete-address"  # of the key
LETTERS = 32  # of the HMAC in hexadecimal: 128 bits


def complete_address(house: House, code: str) -> str:
    """The address of the verification page with *code* (its letters) in it."""
    mark = _mark(house.vault.derived(PURPOSE), code)
    return f"{house.settings.origin}/devicelogin?user_code={user_code.spaced(code)}&mark={mark}"


def carried(house: House, typed: str, mark: str) -> str | None:
    """The code of an address of ours, as it may stand in the form; None for any other address."""
    code = user_code.normal(typed)
    right = [same(_mark(key, code), mark) for key in house.vault.derived_each(PURPOSE)]
    return user_code.spaced(code) if sum(right) else None


def _mark(key: bytes, code: str) -> str:
    return keyed(key, code).hex()[:LETTERS]
