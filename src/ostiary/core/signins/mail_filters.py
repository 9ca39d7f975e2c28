"""
What mail and chat filters can look for (RFC 10027 M5): our verification address and our user codes, as patterns made
from the rules themselves; as a module it prints the page `docs/mail-filters.md`.
"""

import re

from ostiary.core.signins.user_code import ALPHABET, GROUPS

__all__ = ["address_pattern", "code_pattern", "page"]

PLACE = "signin.example.com"
"""Stands on the page for the host of a deployment."""


def code_pattern() -> str:
    """A user code as it is shown, of any length that is issued."""
    letter = f"[{ALPHABET}]"
    shapes = ("-".join(f"{letter}{{{size}}}" for size in sizes) for sizes in GROUPS.values())
    return rf"\b(?:{'|'.join(shapes)})\b"


def address_pattern(origin: str) -> str:
    """The verification page of the deployment at *origin*, with or without a code behind it."""
    return rf"{re.escape(origin)}/devicelogin(?:\?user_code=[A-Za-z-]+\S*)?"


def page() -> str:
    """The whole page, in Markdown."""
    shown = address_pattern(f"https://{PLACE}")
    return f"""# Mail and chat filters

A code that was started on an attacker's machine reaches its victim by mail or chat. Nobody has a reason to send one:
people read it on the machine in front of them. So a message that holds our verification address together with a code
is either an attack or a bad habit (RFC 10027, mitigation M5). This page is made from `core/signins/mail_filters.py`.

Replace the host by your own. The patterns are for RE2, PCRE and Python alike.

**The verification address**, with a code behind it or not:

```
{shown}
```

**A user code** as machines show it: {len(ALPHABET)} consonants, no vowel, no digit. Match it in capitals only, and only
beside the address: alone it finds abbreviations too.

```
{code_pattern()}
```

| Message holds | From | Do |
|---|---|---|
| address and code | outside | quarantine, tell the security team |
| address and code | inside | hold, and ask the sender: codes are not passed on |
| address with `?user_code=` | anywhere | quarantine: the link carries the code |
| address alone | outside | banner: "You get codes from your own machine only" |
| the same code to several people | anywhere | quarantine, and turn the kill switch: `ostiary kill-switch on` |

QR codes carry the same address: let the filter read images. Shorteners and redirects hide it: let it follow them.
People find what to do in [people.md](people.md).
"""


if __name__ == "__main__":
    print(page(), end="")
