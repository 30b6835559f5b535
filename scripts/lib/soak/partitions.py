"""One worker takes a topic with thousands of partitions: until it has all, in bounded memory.

Runs the test KafkaWideTopic, which has 1,000 in scripts/test, on servers of its own: a broker needs
more memory for 10,000 than that of the tests has.
"""
import argparse
import os
import subprocess
import sys
import time

from workshop import ROOT, SERVICES, checked, prepare, services_environment

TESTS = ROOT / "build/dev/tests/kinbox_guarantees_tests"


def main():
    parser = argparse.ArgumentParser(prog="soak partitions", description=__doc__.split("\n\n")[0])
    parser.add_argument("--partitions", type=int, default=10_000, help="%(default)s")
    parser.add_argument("--heap", default="768m", help="of the broker; %(default)s")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    options = parser.parse_args()
    prepare(options, TESTS.name)
    checked("scripts/services", "start", "--fresh", "--dir", SERVICES,
            env={**os.environ, "KINBOX_TEST_KAFKA_HEAP": options.heap})
    try:
        started = time.monotonic()
        code = subprocess.run(
            [TESTS, "--gtest_filter=*KafkaWideTopic*"],
            env={**os.environ, **services_environment(), "CI": "true",
                 "KINBOX_TEST_PARTITIONS": str(options.partitions)}).returncode
        print(f"{'ok  ' if code == 0 else 'FAIL'}  {options.partitions:,} partitions, "
              f"{time.monotonic() - started:.0f} s")
    finally:
        # Nothing of it is worth a shutdown in order, which takes such a broker minutes.
        checked("scripts/services", "kill", "--dir", SERVICES)
    return code


if __name__ == "__main__":
    sys.exit(main())
