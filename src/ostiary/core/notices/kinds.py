"""
The table of notices: which entries of the journal become one, to whom it goes, and in which words. Pure.

A notice is one entry of `NOTICES` and, where an entry of the journal does not say by its kind alone which it is, a line
of `which`. Organisation-wide channels get `others`' words once; people whom it concerns get `theirs`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.logs.kinds import Kind
from ostiary.core.notices.words import Matter, Words, length_of, moment_of, plain, why

__all__ = ["NOTICES", "TEST", "WATCHED", "Notice", "To", "Topic", "which"]


class Topic(StrEnum):
    """What a channel of the organisation may be narrowed to."""

    REQUESTS = "requests"
    EXEMPTIONS = "exemptions"
    ALERTS = "alerts"
    ANCHORS = "anchors"
    """Checkpoints of the journal (R15): for channels that are narrowed to them, and no other."""


class To(StrEnum):
    """To whom."""

    PERSON = "person"
    """Whom it concerns."""
    MAKER = "maker"
    """Who asked in their name, if that is somebody else."""
    DECIDERS = "deciders"
    """Who may decide the stages that are open; never those whom it concerns."""
    NEXT = "next"
    """The next in the chain of one stage, likewise."""
    REVIEWERS = "reviewers"
    """Approvers and administrators; never those whom it concerns."""
    ADMINISTRATORS = "administrators"
    APPROVERS = "approvers"
    """Everybody with that role."""
    STOPPED = "stopped"
    """Everybody whose exemption or request the kill switch ended."""


Tell = Callable[[Matter], Words]


@dataclass(frozen=True, slots=True)
class Notice:
    """One kind of notice."""

    name: str
    """Stable: `type` of a webhook's message is ``ostiary.`` and this."""
    topic: Topic
    to: tuple[To, ...]
    others: Tell
    """For those whom it does not concern themselves."""
    theirs: Tell | None = None
    """For the person; None: nobody is told as such."""
    undecided: bool = False
    """Pointless once its request was decided: then it is dropped instead of sent."""
    open: bool = False
    """Pointless once its exemption ended or lasts longer."""


def _what(m: Matter) -> str:
    return (
        f"to extend an exemption by {length_of(m.length)}"
        if m.extends
        else f"for an exemption of {length_of(m.length)}"
    )


def _asks(m: Matter) -> Words:
    text = f"{m.who} asks {_what(m)}. It waits for a decision until {moment_of(m.ends)}."
    return Words(f"{m.who} asks for an exemption", text)


def _reminds(m: Matter) -> Words:
    return Words(f"{m.who} still waits", _asks(m).text)


def _next(m: Matter) -> Words:
    text = f"Nobody has decided yet, so you are asked as the next in the chain. {_asks(m).text}"
    return Words(f"{m.who} still waits for a decision", text)


def _until(m: Matter) -> str:
    if m.waits:
        return f" The clock starts with the first sign-in, which has to come before {moment_of(m.ends)}."
    return f" It ends at {moment_of(m.ends)}."


def _approved(m: Matter) -> Words:
    text = f"The request was approved by {m.actor} for {length_of(m.length)}."
    return Words("Your request was approved", text + _until(m))


def _ended(m: Matter) -> str:
    """Who ended it, and why, as the journal has it."""
    said = {
        "released": "It was released.",
        "reported": "It was ended because somebody said that they did not start a sign-in.",
        "doubted": "It was ended because the sign-in that it was asked for was in doubt.",
        "disabled": f"It ended with the account, which {m.actor} disabled.",
        "ineligible": f"It ended with the eligibility, which {m.actor} ended.",
        "killed": "It was ended by the kill switch.",
        "restored": "It was ended by a restore from backup.",
    }
    return said.get(m.cause, f"It was ended by {m.actor}.")


def _alert(m: Matter) -> Words:
    return Words(f"Alert: {m.alert.replace('_', ' ')}", f"{plain(m.said)} Please look at the audit log.".strip())


def _anchored(m: Matter) -> Words:
    text = (
        "Keep this where nobody changes it: ostiary audit verify --since finds a log that was cut or rewritten since."
    )
    return Words("Checkpoint of the audit log", f"{text}\n\n{m.checkpoint}")


def _glass(m: Matter) -> Words:
    text = f"It is open at once, without an approval, and ends at {moment_of(m.ends)}. It owes a written review."
    return Words(f"A break-glass exemption was opened for {m.who}", text)


def _owed(m: Matter) -> Words:
    text = f"The break-glass exemption of {m.who} has ended, and nobody has written yet what it was used for."
    return Words("A break-glass review is owed", text)


def _lapses(m: Matter) -> Words:
    return Words(f"{m.who}'s request is about to lapse", f"Nobody has decided it. It lapses at {moment_of(m.ends)}.")


def _yours(title: str, text: Callable[[Matter], str]) -> Tell:
    return lambda m: Words(title, text(m))


def _of(title: str, text: Callable[[Matter], str]) -> Tell:
    return lambda m: Words(title.format(who=m.who), text(m))


R, E, A = Topic.REQUESTS, Topic.EXEMPTIONS, Topic.ALERTS
_PERSON = (To.PERSON,)
_ASKED = (To.PERSON, To.MAKER)
_OVER = _yours("Your exemption has ended", lambda m: "Its time was over. What it gave does not work any more.")

_LIST: tuple[Notice, ...] = (
    Notice("request.made", R, (To.DECIDERS,), _asks, undecided=True),
    Notice("request.reminder", R, (To.DECIDERS,), _reminds, undecided=True),
    Notice("request.escalated", R, (To.NEXT,), _next, undecided=True),
    Notice("request.lapses_soon", R, (*_ASKED, To.DECIDERS), _lapses, undecided=True, theirs=_yours(
        "Your request is about to lapse", lambda m: f"Nobody has decided it yet. It lapses at {moment_of(m.ends)}.")),
    Notice("request.partly_approved", R, (*_ASKED, To.DECIDERS), _asks, undecided=True, theirs=_yours(
        "Your request is partly approved", lambda m: f"{m.actor} approved it; somebody else has to approve it too.")),
    Notice("request.denied", R, _ASKED, _of("{who}'s request was denied", lambda m: f"{m.actor} denied it."),
           _yours("Your request was denied", lambda m: f"{m.actor} denied it.{why(m.reason)}")),
    Notice("request.approved", R, _ASKED, _of(
        "{who}'s request was approved", lambda m: f"{m.actor} approved it for {length_of(m.length)}.{_until(m)}"),
        _approved),
    Notice("request.withdrawn", R, _ASKED, _of("{who}'s request was withdrawn", lambda m: f"By {m.actor}."),
           _yours("Your request was withdrawn", lambda m: f"{m.actor} took it back.{why(m.reason)}")),
    Notice("request.ended", R, _ASKED, _of("{who}'s request was ended", lambda m: _ended(m)),
           _yours("Your request was ended", lambda m: _ended(m))),
    Notice("request.lapsed", R, _ASKED, _of("{who}'s request lapsed", lambda m: "Nobody decided it in time."),
           _yours("Your request lapsed", lambda m: "Nobody decided it in time. You may ask again.")),
    Notice("exemption.opened", E, _PERSON, _of(
        "An exemption was opened for {who}", lambda m: f"{m.actor} opened it for {length_of(m.length)}.{_until(m)}"),
        _yours("An exemption was opened for you",
               lambda m: f"{m.actor} opened it for {length_of(m.length)}.{_until(m)}{why(m.reason)}")),
    Notice("exemption.begun", E, _PERSON, _of("{who}'s exemption began", lambda m: f"It ends at {moment_of(m.ends)}."),
           _yours("Your exemption began", lambda m: f"A sign-in with a code started its clock.{_until(m)} If that was "
                  "not you, end it now and tell an administrator.")),
    Notice("exemption.extended", E, _PERSON, _of("{who}'s exemption lasts longer", _until),
           _yours("Your exemption lasts longer", _until)),
    Notice("exemption.ends_soon", E, _PERSON, _of("{who}'s exemption ends soon", _until), _yours(
        "Your exemption ends soon", lambda m: f"{_until(m).strip()} What it gave stops working then."), open=True),
    Notice("exemption.ended", E, _PERSON, _of("{who}'s exemption was ended", lambda m: _ended(m)),
           _yours("Your exemption was ended", lambda m: _ended(m) + why(m.reason))),
    Notice("exemption.ran_out", E, _PERSON, _of("{who}'s exemption has ended", lambda m: "Its time was over."), _OVER),
    Notice("exemption.unused", E, _PERSON, _of("{who}'s exemption lapsed", lambda m: "Nobody used it in time."),
           _yours("Your exemption lapsed", lambda m: "You did not sign in in time. You may ask again.")),
    Notice("exemption.all_ended", E, (To.STOPPED,), _of(
        "Device sign-ins were stopped", lambda m: "Every exemption and every request was ended by the kill switch."),
        _yours("Device sign-ins were stopped",
               lambda m: "Your exemption or request was ended with all others, by the kill switch.")),
    Notice("break_glass.opened", A, (To.ADMINISTRATORS, To.APPROVERS), _glass),
    Notice("break_glass.review_owed", A, (To.REVIEWERS,), _owed),
    Notice("alert", A, (To.ADMINISTRATORS,), _alert),
    Notice("log.anchored", Topic.ANCHORS, (), _anchored),
)  # fmt: skip
NOTICES: Mapping[str, Notice] = {notice.name: notice for notice in _LIST}
TEST = "test"
"""The name of what an administrator or a person sends to see whether a channel works."""

_BY_KIND: Mapping[str, str] = {
    Kind.REQUEST_REMINDED: "request.reminder",
    Kind.REQUEST_ESCALATED: "request.escalated",
    Kind.REQUEST_LAPSES_SOON: "request.lapses_soon",
    Kind.REQUEST_APPROVED: "request.approved",
    Kind.REQUEST_WITHDRAWN: "request.withdrawn",
    Kind.REQUEST_KILLED: "request.ended",
    Kind.REQUEST_LAPSED: "request.lapsed",
    Kind.EXEMPTION_OPENED: "exemption.opened",
    Kind.EXEMPTION_BEGUN: "exemption.begun",
    Kind.EXEMPTION_EXTENDED: "exemption.extended",
    Kind.EXEMPTION_ENDS_SOON: "exemption.ends_soon",
    Kind.EXEMPTION_ENDED: "exemption.ended",
    Kind.EXEMPTION_RAN_OUT: "exemption.ran_out",
    Kind.EXEMPTION_UNUSED: "exemption.unused",
    Kind.REVIEW_OWED: "break_glass.review_owed",
    Kind.KILL_SWITCH_ON: "exemption.all_ended",
    Kind.LOG_ANCHORED: "log.anchored",
}
WATCHED: frozenset[str] = frozenset({*_BY_KIND, Kind.REQUEST_MADE, Kind.REQUEST_DECIDED, Kind.ALERT})
"""The kinds of entries that may become a notice; all others are passed over unread."""


def which(kind: str, detail: Mapping[str, Any]) -> Notice | None:
    """The notice that an entry of *kind* with *detail* becomes; None: none."""
    name = _BY_KIND.get(kind)
    if kind == Kind.ALERT:
        name = "break_glass.opened" if detail.get("about") == "break_glass" else "alert"
    elif kind == Kind.REQUEST_MADE and not detail.get("break_glass"):
        name = "request.made"
    elif kind == Kind.REQUEST_DECIDED:  # the last approval has an entry of its own
        whole = detail.get("state") == "approved"
        name = "request.denied" if not detail.get("approved") else None if whole else "request.partly_approved"
    return NOTICES[name] if name is not None else None
