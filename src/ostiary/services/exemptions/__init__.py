"""
Exemptions: opened for a reason, ended at once, announced when they ran out, listed.

Owns who may open and end a window and what is written about it. When one is active is a rule of `core/exemptions`,
never a job.
"""
