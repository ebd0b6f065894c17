"""Linkage on DuckDB: Splink for what a number does not settle, and the published tracing steps as named SQL.

The user's rows stay in this process's memory. Results leave as ids, scores and counts.
"""
