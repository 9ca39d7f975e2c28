"""What becomes a notice, to whom it goes and what it says: by example, and for all that people could type."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.devices.webhook import Signed, genuine
from ostiary.core.exemptions.compile_rules import LONGEST_WINDOW
from ostiary.core.exemptions.exemption import HARD_CAP, Exemption
from ostiary.core.exemptions.opening import AHEAD
from ostiary.core.exemptions.request import Act, Decision, Request
from ostiary.core.exemptions.rules import Approver, Approvers, Mode, Rules, Stage
from ostiary.core.logs.kinds import Kind
from ostiary.core.notices.address import SCHEMES, At, Form, read_address
from ostiary.core.notices.audience import audience
from ostiary.core.notices.channel import GIVE_UP, again
from ostiary.core.notices.kinds import NOTICES, WATCHED, To, which
from ostiary.core.notices.message import body_of, headers_of, link_of, text_of
from ostiary.core.notices.moments import MOST_DAYS, OWED_SINCE, of_exemption, of_request, of_review, who_matters
from ostiary.core.notices.words import Matter, length_of, moment_of, plain
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, Span, after, days, from_iso, hours, minutes, seconds
from ostiary.core.words.outcome import Refused

ANN, BEN, CAT, DAN = (UserId(name) for name in ("ann", "ben", "cat", "dan"))
NOW = from_iso("2026-11-23T08:00:00Z")
REQUEST = Request(
    id=ExemptionId("7e1f"), act=Act.ACTIVATE, user=ANN, group=GroupId("g"), by="user:ben", reason="fix",
    length=hours(2), created=NOW, ends=after(NOW, hours(24)),
)  # fmt: skip
APPROVER = Approvers(roles=frozenset({"approver"}))
CHAIN = Approvers(users=frozenset({DAN}))
MATTER = Matter("ann@example.com", "ben@example.com", hours(2), after(NOW, hours(2)), reason="because", cause="ended")


def yes(by: UserId, stage: int, at: Instant = NOW) -> Decision:
    """An approval."""
    return Decision(by, by, stage, True, "", at)


@pytest.mark.parametrize(
    ("kind", "detail", "name"),
    [
        (Kind.REQUEST_MADE, {"break_glass": False}, "request.made"),
        (Kind.REQUEST_MADE, {"break_glass": True}, None),
        (Kind.REQUEST_DECIDED, {"approved": False, "state": "denied"}, "request.denied"),
        (Kind.REQUEST_DECIDED, {"approved": True, "state": "partlyApproved"}, "request.partly_approved"),
        (Kind.REQUEST_DECIDED, {"approved": True, "state": "approved"}, None),
        (Kind.REQUEST_APPROVED, {}, "request.approved"),
        (Kind.REQUEST_KILLED, {"cause": "disabled"}, "request.ended"),
        (Kind.EXEMPTION_OPENED, {"break_glass": True}, "exemption.opened"),
        (Kind.EXEMPTION_ENDED, {}, "exemption.ended"),
        (Kind.EXEMPTION_RAN_OUT, {}, "exemption.ran_out"),
        (Kind.KILL_SWITCH_ON, {}, "exemption.all_ended"),
        (Kind.ALERT, {"about": "guessing"}, "alert"),
        (Kind.ALERT, {"about": "break_glass"}, "break_glass.opened"),
        (Kind.LOG_ANCHORED, {"checkpoint": "x"}, "log.anchored"),
        (Kind.REFRESHED, {}, None),
        (Kind.FAULT, {}, None),
    ],
)
def test_which_entry_becomes_which_notice(kind: Kind, detail: dict[str, Any], name: str | None) -> None:
    """The table, and nothing beside it."""
    found = which(kind, detail)
    assert (found and found.name) == name
    assert name is None or kind in WATCHED


def test_every_notice_can_come_of_an_entry() -> None:
    """No kind of notice is a name only: each is what some entry becomes."""
    details: tuple[dict[str, Any], ...] = (
        {},
        {"about": "break_glass"},
        {"approved": False},
        {"approved": True, "state": "partlyApproved"},
    )
    found = {notice.name for kind in Kind for detail in details if (notice := which(kind, detail)) is not None}
    assert found == set(NOTICES)
    assert {kind for kind in Kind if any(which(kind, detail) for detail in details)} == WATCHED


RULES = {
    Mode.SERIAL: Rules(mode=Mode.SERIAL, stages=(Stage(APPROVER), Stage(Approvers(users=frozenset({CAT}))))),
    Mode.PARALLEL: Rules(mode=Mode.PARALLEL, stages=(Stage(APPROVER), Stage(Approvers(users=frozenset({CAT}))))),
    Mode.SINGLE: Rules(stages=(Stage(APPROVER, needed=2, escalation=CHAIN, escalates=hours(1)),)),
}
PEOPLE = {CAT: Approver(CAT, True, roles=frozenset({"approver"})), DAN: Approver(DAN, True)}


@pytest.mark.parametrize(
    ("name", "mode", "decisions", "stage", "waited", "asked"),
    [
        ("request.made", Mode.SERIAL, (), None, 0, 1),
        ("request.made", Mode.PARALLEL, (), None, 0, 2),
        ("request.made", Mode.SINGLE, (), None, 0, 1),
        ("request.reminder", Mode.SINGLE, (), None, 2, 2),  # the next in the chain may decide by then
        ("request.escalated", Mode.SINGLE, (), 0, 2, 1),
        ("request.partly_approved", Mode.SERIAL, (yes(CAT, 0),), 0, 0, 1),
        ("request.partly_approved", Mode.PARALLEL, (yes(CAT, 0),), 0, 0, 0),  # the other stage knew
        ("request.partly_approved", Mode.SINGLE, (yes(CAT, 0),), 0, 0, 0),  # its stage goes on
        ("request.denied", Mode.SINGLE, (), 0, 0, 0),
    ],
)
def test_who_is_asked(
    name: str, mode: Mode, decisions: tuple[Decision, ...], stage: int | None, waited: int, asked: int
) -> None:
    """Those whose turn it is, once; who said something already is not asked again."""
    request, now = replace(REQUEST, decisions=decisions), after(NOW, hours(waited))
    found = audience(NOTICES[name], request, RULES[mode], PEOPLE, now=now, stage=stage)
    assert len(found.groups) == asked
    assert found.without == {ANN, BEN, *(d.by for d in decisions if To.DECIDERS in NOTICES[name].to)}


@given(
    st.sampled_from(sorted(NOTICES)), st.sampled_from([ANN, BEN, CAT]), st.sampled_from([ANN, BEN, CAT]),
    st.sampled_from(list(Mode)[1:]), st.integers(0, 1), st.integers(0, 48),
)  # fmt: skip
def test_nobody_is_asked_about_their_own_request(
    name: str, whose: UserId, by: UserId, mode: Mode, stage: int, waited: int
) -> None:
    """Whoever asks for whom: both are kept out of those who are asked, and both are told."""
    request = replace(REQUEST, user=whose, by=f"user:{by}")
    notice = NOTICES[name]
    found = audience(notice, request, RULES[mode], PEOPLE, now=after(NOW, hours(waited)), stage=stage)
    if {To.DECIDERS, To.NEXT, To.REVIEWERS} & set(notice.to):
        assert {whose, by} <= found.without
    assert found.people == ({whose} if To.PERSON in notice.to else set())
    assert found.makers == ({by} - {whose} if To.MAKER in notice.to else set())


@given(
    st.sampled_from(sorted(NOTICES)),
    st.text(max_size=300)
    | st.sampled_from(
        ["see https://evil.example", "[x](y)", "@everyone look", "<b>", "evil.example/x", "a@evil。example"]
    ),
    st.sampled_from(["ended", "released", "reported", "doubted", "disabled", "ineligible", "killed", "restored", "?"]),
)
def test_no_notice_carries_a_link_or_markup_that_somebody_typed(name: str, typed: str, cause: str) -> None:
    """The only link is ours, and it holds the id of a request and nothing that decides."""
    notice, matter = NOTICES[name], replace(MATTER, reason=typed, cause=cause, alert="guessing", said=typed)
    for tell in (notice.others, notice.theirs):
        if tell is None:
            continue
        words = tell(matter)
        body = body_of(name, words, link=link_of("https://door.example", "7e1f"), exemption="7e1f", at=NOW, entry="n.1")
        title, text = text_of(body)
        said = f"{title} {text.rpartition(chr(10))[0]}"
        assert title.isprintable()
        assert "://" not in said
        assert not {"<", ">"} & set(said)
        assert "evil.example" not in said
        assert "。example" not in said
        assert text.endswith("\nhttps://door.example/approvals/7e1f")
        assert len(body) < 2000


def test_a_link_leads_whom_it_concerns_to_their_own_request() -> None:
    """The page of approvers tells the person that there is nothing to decide: theirs is another."""
    assert link_of("https://d.example", "7e1f", own=True) == "https://d.example/requests/7e1f"
    assert link_of("https://d.example", "", own=True) == link_of("https://d.example", "") == "https://d.example/account"


def test_only_the_person_reads_what_somebody_typed() -> None:
    """A reason goes to whom it concerns; channels of others say who and what, and lead to the page."""
    matter = replace(MATTER, reason="the secret project")
    for notice in NOTICES.values():
        assert "secret project" not in notice.others(matter).text + notice.others(matter).title
    theirs = NOTICES["request.denied"].theirs
    assert theirs is not None
    assert theirs(matter).text == "ben@example.com denied it. The reason: the secret project"


def test_lengths_and_moments_read_like_a_sentence() -> None:
    """Words for people, always with the zone."""
    assert [length_of(Span(s)) for s in (hours(2), minutes(45), minutes(90), seconds(20))] == [
        "2 h", "45 min", "1 h 30 min", "less than a minute",
    ]  # fmt: skip
    assert moment_of(NOW) == "08:00 UTC on 23 November 2026"
    assert plain("a\n b\x00\tc") == "a b c"
    assert plain("e.g. see x1.evil.example/a, v1.2, INC.44.") == "e.g. see x1[.]evil[.]example/a, v1.2, INC.44."


# ---- moments


@pytest.mark.parametrize(
    ("waited", "keys"),
    [
        (0, []),
        (29, []),
        (30, ["reminded:7e1f"]),
        (60, ["escalated:7e1f:0", "reminded:7e1f"]),
        (23 * 60, ["escalated:7e1f:0", "reminded:7e1f", "lapses:7e1f"]),
        (24 * 60, []),
    ],
)
def test_the_moments_of_a_request(waited: int, keys: list[str]) -> None:
    """A reminder, the next in the chain, the end in sight; nothing once it lapsed."""
    due = of_request(REQUEST, RULES[Mode.SINGLE], PEOPLE, remind=minutes(30), now=after(NOW, minutes(waited)))
    assert [moment.key for moment in due] == keys


@pytest.mark.parametrize(("waited", "decided", "matters"), [(59, True, False), (60, True, True), (60, False, False)])
def test_who_decided_is_looked_up_where_it_matters(waited: int, decided: bool, matters: bool) -> None:
    """Only for the next in the chain: everything else that time does is the same whoever said yes."""
    request, now = replace(REQUEST, decisions=(yes(CAT, 0),) if decided else ()), after(NOW, minutes(waited))
    rules = RULES[Mode.SINGLE]
    assert who_matters(request, rules, now) is matters
    told = [{m.key for m in of_request(request, rules, p, remind=minutes(30), now=now)} for p in (PEOPLE, {})]
    assert matters or told[0] == told[1]


def test_an_exemption_whose_review_is_spoken_of_was_asked_for_within_the_time_that_is_looked_at() -> None:
    """Its start at most a day ahead, its window to begin in at most three, its end a day later."""
    assert days(MOST_DAYS) + AHEAD + LONGEST_WINDOW + HARD_CAP <= OWED_SINCE


def test_the_moment_before_an_end() -> None:
    """Ten minutes before, for a clock that runs; another end is another moment."""
    runs = Exemption(ExemptionId("x"), ANN, GroupId("g"), "r", NOW, after(NOW, hours(1)), NOW, "user:ann")
    early, late = after(NOW, minutes(49)), after(NOW, minutes(50))
    assert of_exemption(runs, early) is None
    found = of_exemption(runs, late)
    assert found is not None
    assert found.kind is Kind.EXEMPTION_ENDS_SOON
    longer = of_exemption(replace(runs, ends=after(NOW, minutes(55))), late)
    assert longer is not None
    assert longer.key != found.key
    assert of_exemption(replace(runs, ended=late), late) is None
    assert of_exemption(replace(runs, waits=hours(1)), late) is None
    assert of_exemption(runs, after(NOW, hours(1))) is None


def test_the_days_of_a_review_that_is_owed() -> None:
    """From the end on once a day for two weeks, until it is written."""
    over = after(NOW, hours(1))
    glass = replace(REQUEST, break_glass=True)
    ended = Exemption(ExemptionId("x"), ANN, GroupId("g"), "r", NOW, over, NOW, "user:ann", break_glass=True)
    keys = {
        moment.key
        for hour in range(24 * 20)
        if (moment := of_review(glass, ended, after(NOW, hours(hour)))) is not None
    }
    assert keys == {f"owed:7e1f:{day}" for day in range(14)}
    assert of_review(replace(glass, review="used for x"), ended, after(over, days(1))) is None


# ---- channels


@given(st.integers(1, 200), st.integers(0, 2 * GIVE_UP))
def test_a_try_is_never_put_off_beyond_a_day(tries: int, passed: int) -> None:
    """The pause grows to an hour; the last try comes a day after the first, and none after it."""
    now = after(NOW, Span(passed))
    due = again(tries, NOW, now)
    if passed >= GIVE_UP:
        assert due is None
    else:
        assert due is not None
        assert now < due <= min(after(now, hours(1)), after(NOW, GIVE_UP))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("jsons://u:p@127.0.0.1/a?:b=c@d", ("https", "127.0.0.1", 443)),
        ("ntfy://169.254.169.254:80/x", ("http", "169.254.169.254", 80)),
        ("mailto://127.0.0.1:25?to=a@example.com", ("http", "127.0.0.1", 25)),
        ("mailtos://u:p@mail.example?to=a@example.com", None),
        ("mailtos://u:p@mail.example:587?to=a@example.com&smtp=127.0.0.1", None),
        ("workflows://Prod.logic.example./a/b@c", ("https", "prod.logic.example", 443)),
        ("discord://4174216298/JHMHI8", None),
        ("gotifys://[::1]:8443/token", ("https", "::1", 8443)),
    ],
)
def test_whom_an_address_names(address: str, place: tuple[str, str, int] | None) -> None:
    """So that what may never be asked is refused when it is set up, whatever stands around the host."""
    read = read_address(Form.APPRISE, address)
    assert not isinstance(read, Refused)
    found = read.place
    assert (found and (found.scheme, found.host, found.port)) == place


@pytest.mark.parametrize("scheme", sorted(name for name, scheme in SCHEMES.items() if scheme.at is not At.FIXED))
@pytest.mark.parametrize(
    "rest",
    [
        "", "/x", "//169.254.169.254/x", "\\169.254.169.254/x", "a@b@public.example/x", "public.example\\@10.0.0.5/x",
        "10.0.0.5#@public.example/x", "10.0.0.5;public.example/x", "10.0.0.5%2f.public.example/x", "127.1/x",
        "2130706433/x", "0x7f000001/x", "010.0.0.1/x", "127.0.0.1:/x", "127.0.0.1:0/x", "127.0.0.1:70000/x",
        "[fe80::1%25eth0]/x", "::1/x", "[::1/x", "public.example:80@/x", ":80/x",
    ],
)  # fmt: skip
def test_r24_an_address_that_could_be_read_in_two_ways_is_none(scheme: str, rest: str) -> None:
    """R24: what Apprise, a proxy or we could take for different hosts is refused, not guessed at."""
    assert isinstance(read_address(Form.APPRISE, f"{scheme}://{rest}"), Refused)


@pytest.mark.parametrize(
    "option",
    [
        "verify=no", "Verify=no", "a=1;verify=no", "to=x;verify=no", "to=x&%76erify=no", "?verify=no", "", "&",
        "redirect=yes", "cto=60", "retry=9", "optional=yes", "template=/etc/passwd",
        "to=x;template=/etc/passwd", "pgpprv=/etc/passwd",
        "pgppub=http://10.0.0.5/", "wkd=yes", "attach=/etc/passwd", "store=yes", "+Host=10.0.0.5",
        "+transfer-encoding=x",
        "+Proxy-Authorization=x", "+A%0d%0aB=x", "unheard-of=1",
        "method=delete",
    ],
)  # fmt: skip
def test_r24_only_options_that_were_looked_at_can_be_set(option: str) -> None:
    """R24: none that weakens TLS, reads a file, asks elsewhere, hides a failure, or that nobody has looked at."""
    for scheme in SCHEMES:
        refused = read_address(Form.APPRISE, f"{scheme}://host.example/x/y?{option}")
        assert isinstance(refused, Refused), scheme
        assert option == "" or option not in refused.detail
    assert not isinstance(read_address(Form.APPRISE, "jsons://h.example/x?+X-Key=a;:field=b&-q=c"), Refused)


@given(st.text(max_size=60), st.sampled_from(sorted(SCHEMES)), st.sampled_from(list(Form)))
def test_an_address_never_shows_in_what_is_told_of_it(secret: str, scheme: str, form: Form) -> None:
    """Whatever is typed: a refusal has a sentence of ours, and what is shown has no password and no path."""
    address = (
        f"{scheme}://user:passw0rd@host.example/{secret}" if form is Form.APPRISE else f"https://h.example/{secret}"
    )
    found = read_address(form, address)
    told = found.detail if isinstance(found, Refused) else found.shown
    assert "passw0rd" not in told
    assert isinstance(found, Refused) or secret == "" or len(secret) < 4 or secret not in told


def test_a_signed_message_is_genuine_by_the_rule_that_we_check_others_with() -> None:
    """One signature both ways (Standard Webhooks): id, time and body are under it."""
    body, secret = body_of("test", NOTICES["alert"].others(MATTER), link="l", exemption="", at=NOW, entry=""), b"k" * 32
    headers = headers_of("id-1", body, secret, NOW)
    signed = Signed(
        headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"], body.encode()
    )  # fmt: skip
    assert genuine(secret, signed)
    for changed in (replace(signed, id="id-2"), replace(signed, timestamp="1"), replace(signed, body=b"{}")):
        assert not genuine(secret, changed)
