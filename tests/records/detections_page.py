"""
`docs/detections.md`, made from the rules: `python -m tests.records.detections_page` writes it anew.
"""

from pathlib import Path

from ostiary.core.detections.fold import PER_SUBJECT, STRANGERS
from ostiary.core.detections.published import BY_ID, PUBLISHED, Published, left_out
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.rules import RULES

PATH = Path(__file__).resolve().parents[2] / "docs" / "detections.md"

HEAD = f"""\
# Detections

Rules look at each entry of the [journal](journal.md), within a second of its being written, and tell what looks like
abuse of device codes as *findings*: in the console, by `ostiary detections list`, at
`/identityProtection/riskDetections` (Graph's `riskDetection`), for administrators and auditors; and as an entry
`system:finding:raised` for each. What a finding leads to is said [below](#what-is-done-about-them); a service that is
not told of one is as closed as before.

What nobody knows is evidence of nothing: without geo files no machine is near or far. Where a rule needs more than the
journal, the table says so. What the rules know of the past begins with the journal's first entry that is still there;
in the first weeks of a service much happens for the first time.

`ostiary detections replay --from 30d` runs the rules over the stored journal and tells what they find, changing
nothing; `--rule` tries one, `--keep` stores what is found, as far as the rules have read by themselves. What is kept
so is told, and nothing is done about it.

Of one rule and one subject (a sign-in, a person, a source) there is one finding in the rule's time, mostly a day; what
comes again is counted in it, and each sign-in that it is about has its risk. Where it comes again with a higher
severity, or as somebody's own act after it was nobody's, it is told and answered anew.

Of one rule, {PER_SUBJECT} findings an hour about one person, or from one source where no
person is known, are kept, and {STRANGERS} an hour from all such sources together; what is beyond is counted
(`ostiary detections rules`). Nobody without an account can use up what is kept about people.

## What is done about them

| Severity | By default |
|---|---|
| low | `note`: nothing beyond the finding |
| medium | `alert`: administrators are told |
| high | `alert`, `revokeSessions` (an open sign-in, and the session that it gave), `endExemption` (the one behind it) |

There are also `blockSource` (for this person; for everybody only after two reporters, or when an administrator confirms
the finding), `suspendApplication` (its device flow is off until an administrator turns it on) and `killSwitch`.
`/ostiary/responsePolicy` names what is done by severity, by rule (`rules`), and for what an administrator confirms
(`confirmed`), and how long a source is blocked (`blockLength`, five minutes to a day). `ostiary responses show --json`
prints it, `ostiary responses set FILE --reason "…"` sets it or parts of it; *Settings* in the console shows it and
changes all but what rules have of their own. A change needs an administrator with fresh proof, and a reason; doing less
is an alert. One that names the version that it was made from (`If-Match`, with the tag that `@odata.etag` told), as
those of the console and the command line do, is refused where somebody else changed it meanwhile. Each effect is an
entry `system:response:done`, and the person is told at the next sign-in.

Whoever has no account ends nothing by being found: what hits a person is done only about that person's own acts, or
about what came with a code or token given to them, and only so often in an hour, of which one person has a part. The
rest is an alert, and an entry `system:response:held_back` that says why. The table of who can cause what:
[0082](decisions/0082-what-a-finding-leads-to.md).

*Confirm* on a finding's page, or `ostiary detections confirm ID`, says that a finding is what it looks like: what the
policy wants for that is done at once, whoever caused it and however often. *Dismiss*, or `ostiary detections dismiss ID
--reason "…"`, says that it is harmless; it is open again when it comes for another sign-in, or worse. Administrators do
that, with fresh proof; auditors read. Nobody dismisses what is about themselves or what they did, unless there is no
other administrator; that, and what is dismissed of high severity, is an alert. A finding that came again, or was
changed, after its page was opened is not dismissed from there: the page says so, and what the finding says now.

## Risk

The worst open or confirmed finding about a sign-in is its risk, the worst about a person's own acts theirs; policies
look at both (`signInRiskLevels`, `userRiskLevels`: [policies.md](policies.md)). For a person high counts for 30 days,
medium for 14, low for 7. What is confirmed is high for both, what is dismissed counts for nothing, and who reports a
sign-in is no risk for that. Before the rules have read an entry there is no finding about it; where one has waited for
them for more than 30 seconds, no level is known, and an enforced policy about risk matches.

*Risky people* in the console and `/identityProtection/riskyUsers` list who is risky now. An administrator may say of a
whole person that the account is compromised (`riskyUsers/confirmCompromised`): that is a finding of its own, high, and
what the policy wants for confirmed findings is done to every session, open sign-in and exemption of theirs. Or that
nothing of it is true (`riskyUsers/dismiss`): whatever makes them risky is dismissed, and nothing at all where any of it
is about the caller or the caller's deed and another administrator could say so. Both take Graph's `userIds`, 60 at
most, and a `reason`, which Graph does not know; the console asks for one.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_rules(), *_published()])


def _rules() -> list[str]:
    rows = [f"| {_rule(rule)} | {rule.severity} | {rule.explanation}{_needs(rule)} | {rule.false_positives} "
            f"| {', '.join(BY_ID[id].name for id in rule.covers) or '–'} |" for rule in RULES]  # fmt: skip
    return [
        "## The rules", "", "| Rule | Severity | What it sees | When it is harmless | Published rules that it covers |",
        "|---|---|---|---|---|", *rows, "",
    ]  # fmt: skip


def _rule(rule: Rule) -> str:
    return f"`{rule.id}`: {rule.title}"


def _needs(rule: Rule) -> str:
    return f" Needs {rule.needs}." if rule.needs else ""


def _published() -> list[str]:
    covering = {id: [rule.id for rule in RULES if id in rule.covers] for id in BY_ID}
    seen = [f"| {_named(one)} | {', '.join(f'`{rule}`' for rule in covering[one.id])} |"
            for one in PUBLISHED if not one.why_not]  # fmt: skip
    unseen = [f"| {_named(one)} | {one.why_not} |" for one in left_out()]
    return [
        "## Published rules that these cover", "", "As read in November 2026. “The same” means: it sees what that rule "
        "looks for, as our own log tells it.", "", "| Published rule | Ours |", "|---|---|", *seen, "",
        "## Published rules that our log cannot express", "", "| Published rule | Why |", "|---|---|", *unseen, "",
    ]  # fmt: skip


def _named(one: Published) -> str:
    return f"{one.name} ({', '.join(part for part in (one.source, one.reference) if part)})"


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
