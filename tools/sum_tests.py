"""Adds up JUnit reports into one line, N passed, N failed, N skipped. Fails when there is nothing to add up."""

import sys
from xml.etree import ElementTree


def main(reports: list[str]) -> int:
    """Print the sum of the reports; the exit status says whether there were tests and all went well."""
    suites = [suite for report in reports for suite in ElementTree.parse(report).iter("testsuite")]
    tests, failures, errors, skipped = (
        sum(int(suite.get(count, 0)) for suite in suites) for count in ("tests", "failures", "errors", "skipped")
    )
    passed, failed = tests - failures - errors - skipped, failures + errors
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main([path for path in sys.argv[1:] if not path.endswith("*.xml")]))
