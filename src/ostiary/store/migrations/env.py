"""
Alembic's entry: run the steps on the connection that `ostiary.store.migrate` opened.
"""

from alembic import context

from ostiary.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
