"""
What the journal is made of: entries, their kinds, their canonical form and leaf hash.

Pure and below every subject but `words`: whoever does something describes it here; who reads the journal comes to
`services/logs`.
"""
