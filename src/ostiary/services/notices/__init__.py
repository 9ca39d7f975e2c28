"""
Notices as deeds: the reader of the journal that puts messages in line, the moments that no entry marks, sending with
retries, and the channels that people and administrators set up.

Stands above every other subject and decides nothing: no access depends on a notice, and a notice that is late, lost or
sent twice changes none. Comes in from jobs and from `web/graph`.
"""
