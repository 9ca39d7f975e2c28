"""
Conditional access: who may pass.

Policies are Graph documents (`conditionalAccessPolicy`); `compile` alone knows their fields, `evaluate` decides over
facts, `decision` is the answer with its reasons. A condition is one file under `conditions/` and one line in its
tuple. Pure; anything missing or not understood denies.
"""
