"""
Detections as deeds: the reader of the journal that runs the rules, findings as a list, and the replay over history.

Stands above every other subject and decides nothing. Comes in from jobs and from `web/graph`.
"""
