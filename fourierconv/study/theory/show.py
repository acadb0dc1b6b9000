"""Rows of measurements as the tables of a notebook."""

from collections.abc import Mapping, Sequence

import pandas as pd
from IPython.display import HTML


def table(rows: Sequence[Mapping[str, object]], floats: str = "", formats: Mapping[str, str] | None = None) -> HTML:
    """Rows as a table.

    Args:
        rows: one mapping of column names to values per line, all with the same columns, at least one line.
        floats: format specification of floats, e.g. ".1e".
        formats: specifications of the columns that need another, e.g. {"share": ".0%"}.

    Raises:
        ValueError: a format for a column that the rows do not have.

    >>> "<td>0.33</td>" in table([{"size": 16, "error": 1 / 3}], ".2f").data
    True
    """
    columns, own = list(rows[0]), formats or {}
    if unknown := set(own) - set(columns):
        raise ValueError(f"formats name {sorted(unknown)}, but the columns are {columns}")
    text = [{name: format(row[name], own.get(name, _default(row[name], floats))) for name in columns} for row in rows]
    return HTML(pd.DataFrame(text).to_html(index=False, border=0, justify="left"))


def _default(value: object, floats: str) -> str:
    return floats if isinstance(value, float) else ""
