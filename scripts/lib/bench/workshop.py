"""Where benches run: the tree's lock, its release build, its servers."""
import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import platform
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / "build/release"
SERVICES = ROOT / "build/bench-services"
OUTPUT = ROOT / "build/bench"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked():
    """Two benches in one tree would take each other's servers, and each other's processor."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with open(OUTPUT / "lock", "a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            sys.exit(f"bench: process {lock.read().strip() or '?'} is benching in this tree "
                     "(build/bench/lock); wait for its end, or use another working tree")
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        yield


def checked(*command):
    """Runs what talks to people; its output is not ours."""
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)


def build():
    checked("scripts/install-dependencies", "test")
    say("building preset release (the first time takes minutes)")
    checked("cmake", "--preset", "release", "-DBUILD_TESTING=OFF", "-DKINBOX_BUILD_BENCH=ON")
    checked("cmake", "--build", "--preset", "release", "--target", "kinbox_bench", "kinbox")


@dataclasses.dataclass
class Services:
    brokers: str
    postgres: str


@contextlib.contextmanager
def services(keep):
    """PostgreSQL and Kafka of this tree, fresh, until the end of the `with`, however it ends."""
    try:
        checked("scripts/services", "start", "--fresh", "--dir", str(SERVICES))
        command = '. "$1" && printf "%s\\n%s" "$KINBOX_TEST_BROKERS" "$KINBOX_TEST_POSTGRES"'
        text = subprocess.run(["bash", "-c", command, "bench", str(SERVICES / "env")],
                              check=True, capture_output=True, text=True).stdout
        yield Services(*text.split("\n"))
    finally:
        if not keep:
            checked("scripts/services", "stop", "--quiet", "--dir", str(SERVICES))


def bench(*options, environment=None):
    """Runs kinbox_bench; its answer is one JSON object."""
    command = [str(BUILD / "bench/kinbox_bench"), *map(str, options)]
    result = subprocess.run(command, capture_output=True, text=True, check=False,
                            env={**os.environ, **(environment or {})})
    if result.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}\n{result.stderr.strip()}")
    return json.loads(result.stdout)


def produce(brokers, topic, records, repeat_every=None, first=None):
    """`first`: the number of the first order; they go behind those that the topic has."""
    say(f"producing {records:,} records to topic {topic}")
    repeat = ["--repeat-every", repeat_every] if repeat_every else []
    behind = ["--first", first] if first else []
    return bench("produce", "--brokers", brokers, "--topic", topic, "--records", records, *repeat,
                 *behind)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"system": platform.platform(), "processor": models[0] if models else "unknown",
            "processors": os.cpu_count(), "memory_gib": round(pages / 2**30, 1)}


def write_results(name, results):
    file = OUTPUT / f"{name}.json"
    file.write_text(json.dumps({"machine": machine(), **results}, indent=1) + "\n")
    say(f"written to {file.relative_to(ROOT)}")
