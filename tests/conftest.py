"""What every test shares: which database it runs on, and nothing left behind by another test."""

from django.db import connection


def pytest_report_header() -> str:
    """Name the database, because the same tests run on three of them."""
    return f"database: {connection.vendor}"
