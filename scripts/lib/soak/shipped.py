"""What the soaks of the shipped program share: its release build, its rows, what they found."""
import subprocess
import sys

from workshop import ROOT, checked

KINBOX = ROOT / "build/release/kinbox"
BENCH = ROOT / "build/release/bench/kinbox_bench"


def say(text):
    print(f"soak: {text}", file=sys.stderr, flush=True)


def build():
    checked("scripts/install-dependencies", "test")
    checked("cmake", "--preset", "release", "-DBUILD_TESTING=OFF", "-DKINBOX_BUILD_BENCH=ON")
    checked("cmake", "--build", "--preset", "release", "--target", "kinbox", "kinbox_bench")


class Database:
    """kinbox's tables in PostgreSQL. {s} in a statement is their schema."""

    def __init__(self, uri, schema):
        self.uri, self.schema = uri, schema

    def psql(self, sql):
        return subprocess.run(["psql", self.uri, "-qtAX", "-v", "ON_ERROR_STOP=1"],
                              input=sql.replace("{s}", self.schema), check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def number(self, sql):
        return int(self.psql(sql) or 0)

    def decided(self):
        """How many records have a verdict; 0 before the tables are there."""
        if not self.psql("SELECT to_regclass('{s}.consumer_progress')"):
            return 0
        return self.number("SELECT sum(next_offset - first_offset) FROM {s}.consumer_progress")


def show(found):
    """Prints what was found beside what was expected; whether they agree."""
    for what, (actual, wanted) in found.items():
        print(f"{'ok  ' if actual == wanted else 'FAIL'}  {what}: {actual:,} (expected {wanted:,})")
    return all(actual == wanted for actual, wanted in found.values())
