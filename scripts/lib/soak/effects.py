"""Every effect of 50,000 orders, through the shipped program, while its processes are killed.

Runs the test KilledEffects, which has some hundred orders in scripts/test, on PostgreSQL and real Kafka
of its own: six consumers with the shipped handlers, in several processes, one of which relays and
one mails. A tenth of the records come twice. Afterwards SQL counts rows, stock and money, the topics
of outgoing events and replies are read to their ends: each id at least once, with one payload, per
key in order; and each mail's Message-ID is in the mailbox.
"""
import argparse
import os
import subprocess
import sys
import time

from workshop import ROOT, SERVICES, checked, prepare, services_environment

TESTS = ROOT / "build/dev/tests/kinbox_guarantees_tests"


def arguments():
    parser = argparse.ArgumentParser(prog="soak effects", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=50_000, help="%(default)s")
    parser.add_argument("--kills", type=int, default=36, help="SIGKILLs; %(default)s")
    parser.add_argument("--patience", type=int, default=900,
                        help="seconds that one share of the work may take; %(default)s")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    return parser.parse_args()


def main():
    options = arguments()
    prepare(options, TESTS.name)
    checked("scripts/services", "start", "--fresh", "--dir", SERVICES)
    try:
        started = time.monotonic()
        code = subprocess.run(
            [TESTS, "--gtest_filter=*KilledEffects*Postgres", "--gtest_brief=1"],
            env={**os.environ, **services_environment(), "CI": "true",
                 "KINBOX_TEST_ORDERS": str(options.orders),
                 "KINBOX_TEST_KILLS": str(options.kills),
                 "KINBOX_TEST_PATIENCE": str(options.patience)}).returncode
        print(f"{options.orders:,} orders, {options.kills} SIGKILLs, "
              f"{time.monotonic() - started:.0f} s: {'all well' if code == 0 else 'BROKEN'}")
    finally:
        checked("scripts/services", "stop", "--dir", SERVICES)
    return code


if __name__ == "__main__":
    sys.exit(main())
