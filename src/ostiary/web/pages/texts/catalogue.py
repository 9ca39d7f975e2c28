"""
One language's texts: looked up by the English that a template or a rule says, filled in, with the right plural.

What is not in the catalogue is said in English. `tests/web/pages/test_texts.py` holds that nothing is missing.
"""

from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from ostiary.core.words.instants import Instant, Span, in_words, to_datetime, to_seconds
from ostiary.core.words.said import Said, counted, said

__all__ = ["LANGUAGES", "TEXTS", "Texts", "marked"]

LANGUAGES = ("en", "de")
"""What pages are said in. The first is the language of the sources, and what is said where no other is wanted."""
HERE = Path(__file__).parent


def marked(text: str) -> str:
    """*text*, marked for the catalogue: a page says it later, by `Texts.told`."""
    return text


_MOMENT = marked("d MMM y, HH:mm 'UTC'")
"""As Unicode writes the shapes of dates (UTS #35)."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language."""

    tag: str
    """BCP 47, as the page's ``lang``."""
    _found: NullTranslations
    _locale: Locale

    def text(self, source: str) -> str:
        """*source* in this language: a sentence or its template."""
        return self._found.gettext(source) if source else ""

    def counted(self, one: str, many: str, count: int) -> str:
        """*one* or *many* in this language, as it counts *count*."""
        return self._found.ngettext(one, many, count)

    def within(self, context: str, source: str) -> str:
        """*source* as it is meant in *context*, where one English word is several in others."""
        return self._found.pgettext(context, source)

    def told(self, value: object) -> str:
        """What a rule or a deed says: looked up whole, or by its template with its values."""
        if not isinstance(value, Said):
            return self.text(str(value))
        values = {name: self.told(each) if isinstance(each, Said) else each for name, each in value.values.items()}
        template = self.counted(value.template, value.many, value.number) if value.many else self.text(value.template)
        return template % values

    def moment(self, moment: Instant) -> str:
        """``23 Nov 2026, 14:05 UTC``: without a script nobody knows the reader's zone, so it is said."""
        return self.shaped(moment, _MOMENT)

    def shaped(self, moment: Instant, shape: str) -> str:
        """*moment* in UTC in *shape* (UTS #35), or what stands for that shape in this language."""
        return format_datetime(to_datetime(moment), self.text(shape), locale=self._locale)

    def span(self, span: Span) -> str:
        """How long *span* is: ``1 h 30 min``, ``3 days``."""
        return self.told(in_words(span))

    def ago(self, moment: Instant, now: Instant) -> str:
        """How far *moment* is from *now*: ``in 1 h 59 min``, ``3 days ago``."""
        far = Span(abs(now - moment))
        days_, minutes_ = to_seconds(far) // 86_400, to_seconds(far) // 60
        if moment <= now:
            if days_:
                return self.told(counted("%(count)s day ago", "%(count)s days ago", days_))
            return self.told(said("%(span)s ago", span=in_words(far)) if minutes_ else said("less than a minute ago"))
        if days_:
            return self.told(counted("in %(count)s day", "in %(count)s days", days_))
        return self.told(said("in %(span)s", span=in_words(far)) if minutes_ else said("in less than a minute"))


def _read(tag: str) -> Texts:
    if tag == LANGUAGES[0]:
        return Texts(tag, NullTranslations(), Locale.parse(tag, sep="-"))
    with (HERE / f"{tag}.po").open("rb") as file:
        catalogue = read_po(file, locale=tag, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)  # the standard library reads this form, and knows the plurals of it
    compiled.seek(0)
    return Texts(tag, GNUTranslations(compiled), Locale.parse(tag, sep="-"))


TEXTS = {tag: _read(tag) for tag in LANGUAGES}
"""Read once, when the server starts: a file that cannot be read must not wait for the first reader of its language."""
