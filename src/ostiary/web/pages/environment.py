"""
How templates become pages: one environment for each language, with its texts, moments and lengths of time.

INVARIANT: only texts of the catalogue are put out as they are. Values are escaped and made visible, those inside of a
sentence (`{% trans %}`) as those between tags; what a rule says goes through the filter ``told``, which is no markup.
"""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ostiary.core.words.instants import Instant, Span, to_datetime, to_seconds
from ostiary.core.words.said import Said
from ostiary.web.pages.texts import TEXTS, Texts

__all__ = ["ENVIRONMENTS", "TEMPLATES"]

TEMPLATES = Path(__file__).parent / "templates"


def _iso(moment: Instant) -> str:
    """For the `datetime` attribute."""
    return to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(texts: Texts, moment: Instant) -> Markup:
    """*moment* as an element that a machine can read too."""
    return Markup('<time datetime="{}">{}</time>').format(_iso(moment), texts.moment(moment))


def _when(texts: Texts, moment: Instant, now: Instant) -> Markup:
    """*moment*, and how far from *now* that is."""
    return Markup('{} <span class="small">({})</span>').format(_time(texts, moment), texts.ago(moment, now))


def _countdown(moment: Instant, now: Instant) -> str:
    """What is left until *moment*: ``0:59:07``, the same in every language."""
    left = max(0, to_seconds(Span(moment - now)))
    return f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"


def _minutes(span: Span) -> str:
    """Whole minutes, as forms send them."""
    return str(to_seconds(span) // 60)


def _visible(value: object) -> object:
    """
    What a template puts out: nothing invisible that turns or hides text (control characters, directional overrides).

    It stands there as JSON escapes it (RFC 8259 §7), so that a document that is edited says the same afterwards.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else _escaped(c) for c in value)


def _escaped(c: str) -> str:
    """A character above U+FFFF is a pair of surrogates there, as RFC 8259 §7 has it."""
    return "\\u" + c.encode("utf-16-be", "surrogatepass").hex("/", 2).replace("/", "\\u")


def _json(value: object) -> str:
    """A value of a document, in one line."""
    return json.dumps(value, ensure_ascii=False)


def _lines(text: str) -> Markup:
    """A text of several lines, each as `_visible` puts it out."""
    lines = text.replace("\r\n", "\n").replace("\t", "  ").split("\n")
    return Markup("\n").join(str(_visible(line)) for line in lines)


class _Sentences:
    """What `{% trans %}` and `_()` call: texts of the catalogue with values that are escaped."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def put_out(self, value: object) -> object:
        """*value* as it may stand on the page."""
        return _visible(self._texts.told(value) if isinstance(value, Said) else value)

    def _filled(self, text: str, values: Mapping[str, object]) -> Markup:
        return Markup(text) % {name: self.put_out(value) for name, value in values.items()}  # noqa: S704 - ours

    def gettext(self, source: str, /, **values: object) -> Markup:
        """*source* in the language, with *values*."""
        return self._filled(self._texts.text(source), values)

    def ngettext(self, one: str, many: str, count: int, /, **values: object) -> Markup:
        """*one* or *many*, with *values* and ``num``."""
        return self._filled(self._texts.counted(one, many, count), {"num": count, **values})

    def pgettext(self, context: str, source: str, /, **values: object) -> Markup:
        """*source* as it is meant in *context*."""
        return self._filled(self._texts.within(context, source), values)


def _environment(texts: Texts) -> Environment:
    sentences = _Sentences(texts)
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=sentences.put_out, extensions=["jinja2.ext.i18n"],
        auto_reload=False,  # templates are part of the package: no look at the disk for each page
    )  # fmt: skip
    made.policies["ext.i18n.trimmed"] = True
    # Set here and not by install_gettext_callables: Jinja's own callables would put values out with what is invisible.
    made.newstyle_gettext = True  # type: ignore[attr-defined]
    made.globals.update(
        _=sentences.gettext, gettext=sentences.gettext, ngettext=sentences.ngettext, pgettext=sentences.pgettext,
        language=texts.tag,
    )  # fmt: skip
    made.filters.update(
        moment=texts.moment, iso=_iso, ago=texts.ago, countdown=_countdown, span=texts.span, minutes=_minutes,
        time=partial(_time, texts), when=partial(_when, texts), told=texts.told,
        json=_json, lines=_lines,
    )  # fmt: skip
    return made


ENVIRONMENTS = {tag: _environment(texts) for tag, texts in TEXTS.items()}
