"""Runs the simulation over many seeds: what one number decides, and when, must keep the promise.

A seed that breaks it is printed with the line that replays it; the exit code is 1 then.
"""
import argparse
import os
import subprocess
import sys
import time

from workshop import ROOT, prepare

TESTS = ROOT / "build/dev/tests/kinbox_simulation_tests"
# tests/simulation/simulation_test.cpp divides the seeds among that many tests.
SHARDS = 4


def arguments():
    parser = argparse.ArgumentParser(prog="soak simulation", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, choices=range(1, SHARDS + 1))
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    return parser.parse_args()


def start(shard, environment):
    return subprocess.Popen([TESTS, f"--gtest_filter=Shard/*/{shard}", "--gtest_brief=1"],
                            cwd=ROOT, env=environment)


def main():
    options = arguments()
    prepare(options, TESTS.name)
    environment = dict(os.environ, KINBOX_SIMULATION_FIRST=str(options.first),
                       KINBOX_SIMULATION_SEEDS=str(options.seeds))
    environment.pop("KINBOX_SIMULATION_SEED", None)
    started = time.monotonic()
    codes = []
    for first in range(0, SHARDS, options.jobs):
        shards = [start(n, environment) for n in range(first, min(first + options.jobs, SHARDS))]
        codes += [shard.wait() for shard in shards]
    good = not any(codes)
    print(f"{options.seeds:,} seeds from {options.first} on, {time.monotonic() - started:.0f} s: "
          f"{'all well' if good else 'BROKEN'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
