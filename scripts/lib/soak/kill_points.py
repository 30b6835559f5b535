"""Kills a run of three batches at each system call by which it reaches its database.

SIGKILL at the first such call, in the next run at the second, and so on until a run survives. Each
time the run is started again, and SQL counts the effects. On SQLite and PostgreSQL.
"""
import argparse
import shutil
import sqlite3
import subprocess
import sys
import time

from workshop import ROOT, SERVICES, checked, prepare, services_environment

PROGRAM = ROOT / "build/dev/tests/kinbox_test_three_batches"
PLACE = ROOT / "build/kill-points"

# What tests/programs/three_batches.cpp must come to.
EXPECTED = {
    "SELECT count(*) FROM {s}.effects": 24,
    "SELECT count(DISTINCT event_id) FROM {s}.effects": 24,
    "SELECT count(*) FROM {s}.processed_events WHERE verdict = 'applied'": 24,
    "SELECT count(*) FROM {s}.processed_events WHERE verdict = 'dead'": 1,
    "SELECT count(*) FROM {s}.dead_letters": 2,
    "SELECT sum(seen_again) FROM {s}.dead_letters": 1,
    "SELECT count(*) FROM {s}.outbox": 2,
    "SELECT sum(next_offset) FROM {s}.consumer_progress": 30,
    "SELECT sum(applied) FROM {s}.consumer_progress": 24,
    "SELECT sum(duplicates) FROM {s}.consumer_progress": 4,
    "SELECT sum(dead) FROM {s}.consumer_progress": 2,
    "SELECT count(*) FROM {s}.consumer_progress WHERE open_batch IS NOT NULL": 0,
}


class Sqlite:
    calls = "pwrite64,write,fsync,fdatasync,ftruncate,unlink"

    def __init__(self):
        self.path = PLACE / "kinbox.db"

    def make(self):
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.mkdir(parents=True)
        self.arguments = [f"sqlite={self.path}"]

    def numbers(self, sql):
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql.replace("{s}", "main")).fetchone()
        finally:
            connection.close()


class Postgres:
    calls = "sendto,recvfrom"

    def __init__(self, uri):
        self.uri, self.schema = uri, "kill_points"

    def psql(self, sql):
        return subprocess.run(["psql", self.uri, "-qtAX", "-v", "ON_ERROR_STOP=1", "-c", sql],
                              check=True, capture_output=True, text=True).stdout.strip()

    def make(self):
        self.psql(f"SET client_min_messages = error; DROP SCHEMA IF EXISTS {self.schema} CASCADE")
        self.arguments = [f"postgres={self.uri}", f"schema={self.schema}"]

    def numbers(self, sql):
        return [int(number) for number in self.psql(sql.replace("{s}", self.schema)).split("|")]


def complaints(database):
    found = database.numbers("SELECT " + ", ".join(f"({sql})" for sql in EXPECTED))
    return [f"{sql}: {number} instead of {wanted}"
            for (sql, wanted), number in zip(EXPECTED.items(), found) if number != wanted]


def run(database, *prefix):
    return subprocess.run([*prefix, PROGRAM, "run", *database.arguments], timeout=60,
                          capture_output=True).returncode


def kill_at(database, n):
    """Whether the run was killed."""
    inject = f"inject={database.calls}:signal=SIGKILL:when={n}"
    code = run(database, "strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={database.calls}",
               "-e", inject)
    if code not in (0, -9, 137):
        sys.exit(f"kill-points: call {n}: the run ended with {code}, neither killed nor well")
    return code != 0


def soak(name, database, most):
    started, broken, n = time.monotonic(), 0, 0
    for n in range(1, most + 1):
        database.make()
        subprocess.run([PROGRAM, "prepare", *database.arguments], check=True, capture_output=True)
        killed = kill_at(database, n)
        if killed and run(database) != 0:
            print(f"FAIL  {name}: killed at call {n}, it did not start again", flush=True)
            broken += 1
        for line in complaints(database):
            print(f"FAIL  {name}: killed at call {n}: {line}", flush=True)
            broken += 1
        if not killed:
            break
    else:
        print(f"FAIL  {name}: no run survived {most} calls")
        return False
    print(f"{'ok  ' if not broken else 'FAIL'}  {name}: killed at each of {n - 1} calls "
          f"({database.calls}), {time.monotonic() - started:.0f} s")
    return broken == 0


def main():
    parser = argparse.ArgumentParser(prog="soak kill-points",
                                     description=__doc__.split("\n\n")[0])
    parser.add_argument("--most", type=int, default=2000, help="calls a run may make; %(default)s")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    options = parser.parse_args()
    prepare(options, PROGRAM.name)
    good = soak("SQLite", Sqlite(), options.most)
    checked("scripts/services", "start", "--fresh", "--dir", SERVICES)
    try:
        good = soak("PostgreSQL", Postgres(services_environment()["KINBOX_TEST_POSTGRES"]), options.most) and good
    finally:
        checked("scripts/services", "stop", "--dir", SERVICES)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
