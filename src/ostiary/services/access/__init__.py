"""
Access: the facts of a sign-in, gathered in one place, and the picture of the organisation that a node keeps in memory.

Owns `desk` (memory and its freshness), `gather` (facts from the transaction) and the deeds about policy documents.
Decides nothing: `core/access` does.
"""
