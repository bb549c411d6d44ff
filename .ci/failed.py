"""Names the tests that failed, one a line, if they are few enough to be run again. Usage: python3 .ci/failed.py CACHE. Else exits with 1.

CACHE is the directory of pytest's cache of that run. What could not even be collected is no test, and is not run again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

MOST = 3


def main() -> None:
    """Read pytest's own list."""
    file = Path(sys.argv[1], "v", "cache", "lastfailed")
    failed = list(json.loads(file.read_text())) if file.exists() else []
    if not 0 < len(failed) <= MOST or not all("::" in test for test in failed):
        sys.exit(1)
    print("\n".join(failed))


main()
