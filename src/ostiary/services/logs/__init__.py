"""
The journal: written by every deed, read by whoever wants to know what happened.

Lowest room of the floor: everybody's steps end with `record`.
"""
