"""One worker takes a topic with thousands of partitions: until it has all, in bounded memory.

Runs the test KafkaWideTopic, which has 1,000 in scripts/test, on servers of its own: a broker needs
more memory for 10,000 than that of the tests has.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTS = ROOT / "build/dev/tests/kinbox_guarantees_tests"
SERVICES = ROOT / "build/soak-services"


def checked(*command, **more):
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr, **more)


def services_environment():
    text = subprocess.run(["scripts/services", "env", "--dir", SERVICES], cwd=ROOT, check=True,
                          capture_output=True, text=True).stdout
    lines = (line.removeprefix("export ").partition("=") for line in text.splitlines() if "=" in line)
    return {name: value.strip("'\"") for name, _, value in lines}


def main():
    parser = argparse.ArgumentParser(prog="soak partitions", description=__doc__.split("\n\n")[0])
    parser.add_argument("--partitions", type=int, default=10_000, help="%(default)s")
    parser.add_argument("--heap", default="768m", help="of the broker; %(default)s")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    options = parser.parse_args()
    # So that the servers stop with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not options.no_build:
        checked("scripts/install-dependencies", "test")
        checked("cmake", "--preset", "dev")
        checked("cmake", "--build", "--preset", "dev", "--target", TESTS.name)
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
