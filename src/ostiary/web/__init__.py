"""
The doors: OAuth, the admin API and the pages, and the porch that they share.

A door parses once, calls one deed and gives its answer a shape; it knows nothing below deeds, and no other door.
"""
