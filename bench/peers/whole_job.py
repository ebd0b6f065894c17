"""Subject: caldicott's whole job. `land` every submission, then `run` commissioning-planning, on a new store.

python -m bench.peers.whole_job EXTRACTS STORE
"""

import json
import sys
import time
from pathlib import Path


class WithoutPandas:
    """Its own installation has no pandas; here the peers bring it, and Arrow would spend seconds on importing it."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def main(extracts: Path, store: Path) -> dict:
    sys.meta_path.insert(0, WithoutPandas())
    start = time.perf_counter()
    from caldicott import bootstrap
    from caldicott.operations.land import land
    from caldicott.operations.run import run

    register = bootstrap.load_register("example-icb")
    with bootstrap.open_house(register, store, create=True) as house:
        opened = time.perf_counter()
        landed = land(house, extracts)
        refused = [f"{entry.place}: {entry.fault.code}" for entry in landed if entry.fault]
        assert not refused, refused
        in_place = time.perf_counter()
        (ran,) = run(house, activity="commissioning-planning")
        assert not ran.refused, ran.refused
        ended = time.perf_counter()
    return {
        "rows_in": sum(entry.rows for entry in landed if entry.dataset.startswith("sus-")),
        "rows_out": dict(sorted(ran.rows.items())),
        "held_back": sum(entry.rows - entry.admitted for entry in landed if entry.dataset.startswith("sus-")),
        "excluded": dict(ran.excluded_by),
        "seconds": {"open": opened - start, "land": in_place - opened, "run": ended - in_place},
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
