"""
The texts of the pages in every language that they speak: one catalogue, a file for each language beside English.

English stands where it is said: in the templates, in `{% trans %}` or `_()`, and in Python where a page takes it from
there. A language is one file, `<tag>.po`, and one tag in `LANGUAGES`. Owns the choice of the language and how moments
and lengths of time are put; no text. Wire errors, logs, the journal, Graph and the command line stay English.
"""

from ostiary.web.pages.texts.accepted import best
from ostiary.web.pages.texts.catalogue import LANGUAGES, TEXTS, Texts, marked

__all__ = ["LANGUAGES", "TEXTS", "Texts", "best", "marked"]
