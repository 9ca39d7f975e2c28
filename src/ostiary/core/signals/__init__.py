"""
Shared signals: what resource servers that subscribed are told when a session is over (OpenID SSF 1.0, CAEP 1.0).

Owns streams as their receivers configure them, the events and their wire form, whom an entry of the journal makes
worth a look, and what a receiver's answer means. Knows no store, key or network; whether a session is over, only its
liveness says (`core/tokens/session.py`).
"""
