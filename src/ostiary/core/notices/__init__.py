"""
Notices: what of the journal is told to whom, in which words, through which channels, and how long it is tried.

Owns the table of notices, the moments that no entry marks by itself, the reading of a channel's address and the pace of
retries. Knows no storage and no network; comes in from `services/notices` and `core/graph`. A notice never holds a
secret, a code, or a link that decides anything.
"""
