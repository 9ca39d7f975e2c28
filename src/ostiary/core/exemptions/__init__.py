"""
Exemptions: one person's open window through the block, with its limits.

Owns when an exemption is active, what it admits, and the rule that decides whether a device sign-in may begin at all
(R1). Pure.
"""
