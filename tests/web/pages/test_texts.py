"""One catalogue of texts: whole, in step with what the pages say, and no way for markup to come in."""

import ast
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from babel.messages.catalog import Message
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.directory.credentials import flaw
from ostiary.core.directory.people import Role
from ostiary.core.words.instants import Instant, Span, after, days, hours, in_words, minutes
from ostiary.core.words.said import Said, counted, said
from ostiary.services.access.policies import change_policy
from ostiary.web.pages.environment import ENVIRONMENTS
from ostiary.web.pages.texts import LANGUAGES, TEXTS, best
from tests.web.pages import texts
from tests.web.pages.reach import reached
from tests.web.pages.site import ALICE, BLOCK, Site
from tests.web.pages.test_console import entered

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}
_TAG = re.compile(r"<[^>]*>")
_PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]")


@pytest.mark.parametrize("name", texts.templates())
def test_every_word_of_a_template_is_in_the_catalogue(name: str) -> None:
    """No template says a word, between tags, in an attribute or in an expression, that cannot be translated."""
    assert texts.outside(name) == []


PLANTED = (
    "<p>Sign in</p>",
    "<p>{{ count }} minutes</p>",
    '<p aria-label="Your account">{{ name }}</p>',
    "<p>{{ 'Open' if open else '' }}</p>",
    "{{ passkey_form('Sign in with a passkey') }}",
    "<p>{{ _(refused.detail) }}</p>",
    "<p>{{ gettext('a' ~ name) }}</p>",
)


@pytest.mark.parametrize("source", PLANTED)
def test_the_look_for_words_finds_those_that_are_planted(source: str) -> None:
    """What holds the rule above is able to find what it is there for."""
    assert texts.outside("planted", source)


def test_what_is_in_the_catalogue_is_not_found() -> None:
    """Texts that are marked, and what is no language, pass."""
    fine = (
        '<p class="lead">{{ _("Sign in") }} {% trans name=a|upper %}Hi {{ name }}{% endtrans %} <code>sudo</code></p>'
    )
    assert not texts.outside("planted", fine)


HOUSE = {
    "web/pages/leave.py": """
        from ostiary.services.doors import close, rules as book
        from ostiary.services.doors.close import close_door as shut
        def _post(guest):
            if guest.late:
                return Refused(Reason.SPENT, "It is late.")
            return shut(guest.house) or book.TABLE[guest.name](guest)
    """,
    "services/doors/close.py": """
        from ostiary.core.doors import judge
        OPEN = "It stands open."
        async def close_door(house):
            async def body(tx):
                text = said("At most %(most)s doors.", most=9)
                return Refused(Reason.CONFLICT, text) if judge(tx) else Refused(Reason.CONFLICT, OPEN)
            return await house.store.write(body)
        async def open_door(house):
            return Refused(Reason.CONFLICT, "No page opens doors.")
    """,
    "services/doors/rules.py": """
        class Rule:
            def of(self, guest):
                detail = "Say why." if guest.why else "Say who."
                return Refused(Reason.SPENT, detail=detail)
        TABLE = {"rule": Rule().of}
    """,
    "core/doors/__init__.py": "from ostiary.core.doors.judging import judge",
    "core/doors/judging.py": """
        def judge(door):
            return counted("%(count)s door", "%(count)s doors", door.count)
    """,
}


def _planted(folder: Path, files: Mapping[str, str]) -> Path:
    for where, source in files.items():
        (folder / where).parent.mkdir(parents=True, exist_ok=True)
        (folder / where).write_text(dedent(source))
    return folder


def test_what_a_page_can_come_to_is_found_and_nothing_else(tmp_path: Path) -> None:
    """A page says what the deeds that it calls refuse, with their steps and rules; not what their neighbours do."""
    found = {text.id for text in texts.in_python(_planted(tmp_path, HOUSE))}
    assert found == {
        "It is late.", "At most %(most)s doors.", "It stands open.", "Say why.", "Say who.", "%(count)s door",
    }  # fmt: skip


HIDDEN = (
    ('def deed():\n    return Refused(Reason.SPENT, f"At most {most}.")', "use said"),
    ('def deed():\n    text = "At most " + most\n    return Refused(Reason.SPENT, text)', "use said"),
    ("def deed():\n    return _no('Not so.')\ndef _no(text):\n    return Refused(Reason.SPENT, text)", "handed on"),
)


@pytest.mark.parametrize(("deed", "why"), HIDDEN)
def test_a_text_that_cannot_be_looked_up_is_named(tmp_path: Path, deed: str, why: str) -> None:
    """A refusal that a page shows has a template and values, and stands where it is made; all else is named."""
    files = {"services/deed.py": deed, "web/pages/page.py": "from ostiary.services.deed import deed\nPAGE = deed"}
    with pytest.raises(ValueError, match=why):
        list(texts.in_python(_planted(tmp_path, files)))


def test_every_deed_that_a_page_imports_is_looked_at() -> None:
    """The real house: whatever a page imports of the services is among what its texts are taken from."""
    looked = {(each.where, each.name) for each in reached(texts.SOURCES, texts.PAGES)}
    deeds = set()
    for path in (texts.SOURCES / texts.PAGES).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ostiary.services."):
                file = "/".join((node.module or "").split(".")[1:]) + ".py"
                source = (texts.SOURCES / file).read_text() if (texts.SOURCES / file).is_file() else ""
                deeds |= {(file, each.name) for each in node.names if f"async def {each.name}(" in source}
    assert ("services/access/policies.py", "delete_policy") in deeds
    assert deeds <= looked


@pytest.mark.parametrize("tag", LANGUAGES[1:])
def test_the_catalogue_has_every_text_and_no_other(tag: str) -> None:
    """`python -m tests.web.pages.texts` brings a file up to date; what is empty then wants its translation."""
    wanted = texts.all_texts()
    having = {(message.context or "", _ids(message)[0]): message for message in texts.catalogue(tag) if message.id}
    assert sorted(wanted.keys() - having.keys()) == [], "missing"
    assert sorted(having.keys() - wanted.keys()) == [], "said nowhere"
    untold = [key for key, message in having.items() if not all(_strings(message)) or message.fuzzy]
    assert untold == [], "without translation"
    assert [key for key, text in wanted.items() if len(_ids(having[key])) != (2 if text.many else 1)] == [], "plural"


@pytest.mark.parametrize("tag", LANGUAGES[1:])
def test_a_translation_has_the_values_and_the_markup_of_its_source(tag: str) -> None:
    """Nothing is lost, nothing can fail when it is filled in, and no markup comes in by a translation."""
    for message in texts.catalogue(tag):
        ids, strings = _ids(message), _strings(message)
        for string in strings if message.id else ():
            assert set(_PLACEHOLDER.findall(string)) in [set(_PLACEHOLDER.findall(id)) for id in ids], string
            assert Counter(_TAG.findall(string)) == Counter(_TAG.findall(ids[-1])), string
            assert not re.search("[<>]", _TAG.sub("", string)), string
            if _PLACEHOLDER.search(ids[-1]):
                assert string % dict.fromkeys(_PLACEHOLDER.findall(string), "x"), string


def test_what_rules_say_holds_no_markup() -> None:
    """Texts of Python are put out escaped; one with a tag in it would show it."""
    python = [*texts.in_python(), *texts.of_rules()]
    assert python
    assert [text for text in python if "<" in text.id] == []


def _ids(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (tuple, list)) else (str(message.id),)


def _strings(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (tuple, list)) else (str(message.string),)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_values_in_a_sentence_are_escaped_and_visible(tag: str) -> None:
    """What somebody wrote is no markup inside of a sentence either, and turns no text around."""
    template = ENVIRONMENTS[tag].from_string(
        "{% trans name=n %}Scan this picture for <strong>{{ name }}</strong>.{% endtrans %}"
    )
    shown = template.render(n="<b>\u202eevil%(x)s</b>")
    assert "&lt;b&gt;\\u202eevil%(x)s&lt;/b&gt;" in shown
    told = ENVIRONMENTS[tag].from_string("{{ text|told }}").render(text=said("<i>%(a)s</i>", a="<b>"))
    assert told == "&lt;i&gt;&lt;b&gt;&lt;/i&gt;"


ACCEPTED = (
    (b"", "en"),
    (b"de", "de"),
    (b"de-CH, en;q=0.9", "de"),
    (b"DE", "de"),
    (b"en-GB,en;q=0.9,de;q=0.8", "en"),
    (b"fr, de;q=0.5, en;q=0.4", "de"),
    (b"en;q=0.4, de;q=0.5", "de"),
    (b"fr, *;q=0.1", "en"),
    (b"de;q=0", "en"),
    (b"de;q=0.000, fr", "en"),
    (b"de;q=2", "en"),
    (b"deutsch-und-englisch", "en"),
    (b"d\xc3\xa9, ;;, de;q=0.1", "de"),
    (b"de," + b"x" * 600, "en"),
    (b"fr," * 40 + b"de", "en"),
)


@pytest.mark.parametrize(("header", "tag"), ACCEPTED)
def test_the_language_is_the_one_that_the_browser_likes_best(header: bytes, tag: str) -> None:
    """RFC 9110 §12.5.4 with the look-up of RFC 4647 §3.4, and English for whoever says nothing that can be read."""
    assert best(header, LANGUAGES) == tag


@given(st.binary(max_size=600))
def test_any_header_is_answered_in_a_language_that_there_is(header: bytes) -> None:
    """Nothing that a client sends makes a page fail."""
    assert best(header, LANGUAGES) in LANGUAGES


NOW = Instant(1_795_442_700_000_000)  # 2026-11-23T14:05:00Z
FAR = (
    (minutes(0), "less than a minute ago", "vor weniger als einer Minute"),
    (minutes(59), "59 min ago", "vor 59 Min."),
    (hours(2), "2 h ago", "vor 2 Std."),
    (Span(hours(1) + minutes(59)), "1 h 59 min ago", "vor 1 Std. 59 Min."),
    (days(1), "1 day ago", "vor 1 Tag"),
    (days(3), "3 days ago", "vor 3 Tagen"),
    (Span(-hours(2)), "in 2 h", "in 2 Std."),
    (Span(-days(3)), "in 3 days", "in 3 Tagen"),
)


@pytest.mark.parametrize(("span", "english", "german"), FAR)
def test_how_long_ago_is_said_as_each_language_says_it(span: Span, english: str, german: str) -> None:
    """Days decline: ``3 Tage``, but ``vor 3 Tagen``."""
    assert TEXTS["en"].ago(after(NOW, Span(-span)), NOW) == english
    assert TEXTS["de"].ago(after(NOW, Span(-span)), NOW) == german


def test_a_moment_is_said_as_each_language_says_it() -> None:
    """Always in UTC, and saying so."""
    assert TEXTS["en"].moment(NOW) == "23 Nov 2026, 14:05 UTC"
    assert TEXTS["de"].moment(NOW) == "23. Nov. 2026, 14:05 UTC"
    assert TEXTS["de"].span(days(3)) == "3 Tage"


def test_a_sentence_with_values_is_english_to_everybody_but_a_page() -> None:
    """Wire answers, journal and command line read a `Said` as the text that it is; pages fill its template anew."""
    text = said("In %(span)s.", span=in_words(days(2)))
    assert text == "In 2 days."
    assert isinstance(text, str)
    assert TEXTS["en"].told(text) == "In 2 days."
    assert TEXTS["de"].told(text) == "In 2 Tage."  # the template is in no catalogue, its value is
    assert isinstance(counted("%(count)s day", "%(count)s days", 1), Said)


def test_a_page_is_said_in_the_browser_s_language(site: Site) -> None:
    """The same address, two languages; caches are told that the answer depends on the header."""
    browser = site.browser()
    english, german = browser.get("/signin"), browser.get("/signin", GERMAN)
    assert '<html lang="en">' in english.text
    assert "<h1>Sign in</h1>" in english.text
    assert '<html lang="de">' in german.text
    assert "<h1>Anmelden</h1>" in german.text
    assert {answer.headers["vary"] for answer in (english, german)} == {"Accept-Language"}
    assert german.headers["cache-control"] == "no-store"


def test_a_refusal_is_said_in_the_browser_s_language(site: Site) -> None:
    """What a rule refuses is told on the page in German, with its values, and to the journal in English as ever."""
    browser = site.browser()
    browser.client.headers.update(GERMAN)
    assert "Der Benutzername oder das Kennwort ist falsch." in browser.password(ALICE, "not this one").text
    waits = next(text for _ in range(20) if "Zu viele" in (text := browser.password(ALICE, "nor this one").text))
    assert re.search(r"Versuchen Sie es in \d+ (Sekunden?|Minuten?) noch einmal; ein Passkey muss nicht warten", waits)
    assert "Zu viele" not in json.dumps(site.entries())
    assert TEXTS["de"].told(flaw("short")).startswith("Verwenden Sie mindestens 10 Zeichen.")


def test_an_administrator_s_refused_deed_is_answered_in_german(site: Site) -> None:
    """Whoever works in German reads in German why nothing was done; the journal has it in English."""
    here = "/console/policies/b10c"
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    browser.client.headers.update(GERMAN)
    answer = browser.submit(browser.get(here), here, state="disabled", do="state")
    assert answer.status_code == 400
    assert "Das schwächt eine Schutzvorkehrung: Sagen Sie, warum." in answer.text
    assert "This weakens" not in answer.text
    edit = browser.get(f"{here}/edit")
    site.run(change_policy(site.house, site.admin(), "b10c", {"displayName": "Block it"}, ""))
    late = browser.submit(edit, f"{here}/edit", document=json.dumps(BLOCK), do="save")
    assert late.status_code == 409
    assert "Jemand hat es geändert, seit Sie es angesehen haben." in late.text
    assert "This weakens a guardrail" in json.dumps(site.entries())


def test_an_address_that_no_list_gave_is_refused_in_german(site: Site) -> None:
    """What is wrong with a query is told as what is wrong with the page, and not in the words of queries."""
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    browser.client.headers.update(GERMAN)
    answer = browser.get("/console/people?after=made-up")
    assert answer.status_code == 400
    assert "Diese Liste lässt sich so nicht fragen." in answer.text
