"""DuckDB, in memory, on one machine.

Nothing is spilled: DuckDB 2.0 cannot encrypt its temporary files without a
download, so the spill is forbidden and work is cut into months instead.
"""
