"""Erasure knows every table and every column that points to people."""

from sqlalchemy import Table

from ostiary.store.erasure_tables import PERSONAL
from ostiary.store.schema import metadata

POINTERS = ("user", "owner", "by", "named", "principal", "subject", "words")


def pointers(table: Table) -> set[str]:
    """Columns that point to people: by their names, and by what they reference."""
    found = {c.name for c in table.columns if c.name in POINTERS or c.name.endswith("_by")}
    return found | {c.name for c in table.columns for key in c.foreign_keys if key.column.table.name == "users"}


def test_r15_every_table_stands_in_the_list_of_what_erasure_does() -> None:
    """A table that erasure never heard of keeps what it holds."""
    assert set(PERSONAL) == set(metadata.tables)
    assert all(treatment.why for treatment in PERSONAL.values())


def test_r15_every_column_that_points_to_people_is_known() -> None:
    """A new one fails here until somebody says what becomes of it."""
    for name, table in metadata.tables.items():
        assert pointers(table) - {"id"} <= set(PERSONAL[name].people), name


def test_r15_every_row_that_belongs_to_a_person_is_touched() -> None:
    """A column that references accounts, in a table that nothing is done to, would keep its row."""
    for name, table in metadata.tables.items():
        if any(key.column.table.name == "users" for c in table.columns for key in c.foreign_keys):
            assert PERSONAL[name].statements, name
