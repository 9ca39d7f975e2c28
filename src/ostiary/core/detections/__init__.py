"""
Detections: what in the journal looks like abuse of device codes, told as findings.

Owns the reading of entries as events, what is remembered between them, the rules (`rules/`, one file each) and the fold
that runs them, live and over history alike. Knows no storage and no clock; comes in from `services/detections` and
`core/graph`. A finding decides nothing by itself.
"""
