"""
Migrations, one file a step, forward only; `ostiary.store.migrate` runs them.
"""
