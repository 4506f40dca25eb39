"""Tables of the pages as files."""

from __future__ import annotations

import pandas as pd

from vislrp_core.tables import csv_bytes


def table_of(frame: pd.DataFrame) -> bytes:
    """A table as the content of a CSV file, see `vislrp_core.tables`."""
    return csv_bytes([str(name) for name in frame.columns], frame.itertuples(index=False, name=None))
