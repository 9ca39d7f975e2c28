"""
The table of refusals as the page `docs/errors.md`; run as a module it prints it.
"""

from ostiary.core.tokens.refusals import TABLE, Endpoint, Wire
from ostiary.core.words.outcome import Reason

__all__ = ["page"]

_HEAD = """# Errors

Every refusal of the OAuth endpoints, as a client sees it. This page is made from `core/tokens/refusals.py`.

`error` is what a client branches on; the number is Entra's for the same situation and leads to the page at
`/error/NUMBER`; the reason is what the journal says. Where two names stand, the second is for applications that are
registered with Entra's error names. The statuses are those of the token endpoint and of the device authorization
endpoint, where whatever an administrator can change is 403 (R9).

| Reason | `error` at the token endpoint | at `devicecode` | at `authorize` | Number | Status | Says | Next step |
|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page, in Markdown."""
    return _HEAD + "".join(f"{_row(reason, entry)}\n" for reason, entry in TABLE.items())


def _row(reason: Reason, entry: Wire) -> str:
    names = [_names(entry, endpoint) for endpoint in (Endpoint.TOKEN, Endpoint.DEVICE, Endpoint.FRONT)]
    number = f"{entry.aadsts}{f' ({entry.suberror})' if entry.suberror else ''}"
    cells = (
        f"`{reason.value}`",
        *names,
        number,
        f"{entry.status} / {entry.device_status}",
        entry.sentence,
        entry.next_step,
    )
    return f"| {' | '.join(cells)} |"


def _names(entry: Wire, endpoint: Endpoint) -> str:
    names = dict.fromkeys((entry.name(endpoint), entry.name(endpoint, entra=True)))
    return " / ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    print(page(), end="")
