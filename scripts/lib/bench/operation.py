"""What kinbox costs while it runs: latency, idle processor time, memory."""
import contextlib
import json
import os
import signal
import statistics
import subprocess
import time

from . import report, workshop
from .workshop import OUTPUT, ROOT, say

LATENCY_GOAL = 50.0  # Milliseconds, p99, with the low-latency profile.
IDLE_GOAL = 1.0  # Percent of one processor.
MEMORY_GOAL = 128.0  # MiB.
FLAT = 1.1  # The last quarter's peak over the second quarter's.

PLAIN = """\
kafka: {bootstrap.servers: given by the environment}
database: {sqlite: kinbox.db}
consumers:
  - name: orders
    group: GROUP
    topics: [TOPIC]
    handlers: [order_view]
"""


def databases(options):
    return [name for name in ("postgres", "sqlite") if options.only in (None, name)]


def environment(services, database, name):
    """Brokers and a database of its own for a kinbox that reads a file without them."""
    where = {"KINBOX_KAFKA_BOOTSTRAP_SERVERS": services.brokers}
    if database == "postgres":
        return {**where, "KINBOX_DATABASE_URL": services.postgres, "KINBOX_DATABASE_MIGRATE": "auto",
                "KINBOX_DATABASE_SCHEMA": name.replace(".", "_").replace("-", "_")}
    file = OUTPUT / f"{name}.db"
    for leftover in OUTPUT.glob(file.name + "*"):
        leftover.unlink()
    return {**where, "KINBOX_DATABASE_URL": f"sqlite:{file}"}


def plain_configuration(topic, group):
    """Every setting at its default. A group has one database: with another one it would start where
    the first has come to."""
    file = OUTPUT / f"{group}.yaml"
    file.write_text(PLAIN.replace("TOPIC", topic).replace("GROUP", group))
    return file


def latency(options):
    profiles = {"default": plain_configuration("bench.latency", "bench.latency"),
                "low latency": ROOT / "examples/low_latency.yaml"}
    runs = []
    with workshop.services(options.keep_services) as services:
        for number in range(options.rounds):
            for database in databases(options):
                for profile, file in profiles.items():
                    if database == "sqlite" and profile != "default":
                        continue  # It is about PostgreSQL: SQLite has one writer.
                    name = f"latency-{database}-{profile.split()[0]}-{number}"
                    run = workshop.bench(
                        "latency", "--config", file, "--topic", name, "--rate", options.rate,
                        "--seconds", options.seconds,
                        *(["--emitted"] if options.emitted else []),
                        environment=environment(services, database, name))
                    say(f"round {number + 1}: {database}, {profile}: p50 "
                        f"{run['p50_milliseconds']:.1f} ms, p99 {run['p99_milliseconds']:.1f} ms"
                        + said_of_emitted(run))
                    runs.append({"database": database, "profile": profile, "round": number, **run})
    rows = list(latency_summary(runs))
    report.print_table(
        [("database", "{}"), ("settings", "{}"), ("p50 ms", "{:.1f}"), ("p99 ms", "{:.1f}"),
         ("lowest p99", "{:.1f}"), ("highest p99", "{:.1f}"), ("emitted p50", "{:.1f}"),
         ("emitted p99", "{:.1f}"), (f"goal: p99 < {LATENCY_GOAL:g}", "{}")],
        [[*list(row.values())[:-1], report.verdict(row["met"])] for row in rows])
    workshop.write_results("latency", {"summary": rows, "runs": runs})


def said_of_emitted(run):
    if "emitted" not in run:
        return ""
    return (f"; emitted p50 {run['emitted']['p50_milliseconds']:.1f} ms, "
            f"p99 {run['emitted']['p99_milliseconds']:.1f} ms")


def emitted_median(group, percentile):
    found = [run["emitted"][percentile] for run in group if "emitted" in run]
    return statistics.median(found) if found else None


def latency_summary(runs):
    for database, profile in dict.fromkeys((run["database"], run["profile"]) for run in runs):
        group = [run for run in runs if (run["database"], run["profile"]) == (database, profile)]
        p99 = [run["p99_milliseconds"] for run in group]
        yield {"database": database, "settings": profile,
               "p50": statistics.median(run["p50_milliseconds"] for run in group),
               "p99": statistics.median(p99), "lowest": min(p99), "highest": max(p99),
               "emitted_p50": emitted_median(group, "p50_milliseconds"),
               "emitted_p99": emitted_median(group, "p99_milliseconds"),
               "met": statistics.median(p99) < LATENCY_GOAL}


@contextlib.contextmanager
def kinbox(file, variables, *arguments):
    """`kinbox run` as it is shipped; its log is beside its configuration."""
    with open(file.with_suffix(".log"), "w", encoding="utf-8") as log:
        process = subprocess.Popen([workshop.BUILD / "kinbox", "run", "-c", file, *arguments],
                                   stderr=log, env={**os.environ, **variables})
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def status(file, variables):
    """What became of the records, from `kinbox status`."""
    text = subprocess.run([workshop.BUILD / "kinbox", "status", "-c", file, "-o", "jsonl"],
                          check=True, capture_output=True, text=True,
                          env={**os.environ, **variables}).stdout
    return sum(json.loads(line)["applied"] for line in text.splitlines())


def wait_until(condition, patience=60):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("bench: kinbox did not get there in time; its log is in build/bench")
        time.sleep(0.2)


def processor_seconds(pid):
    """Of all threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return None  # It has ended, and nobody has waited for it yet.


def idle(options):
    """After some records, so that every connection is open and every statement prepared."""
    rows = []
    with workshop.services(options.keep_services) as services:
        for database in databases(options):
            topic = f"bench.idle.{database}"
            workshop.produce(services.brokers, topic, 1_000)
            file, where = plain_configuration(topic, topic), environment(services, database, topic)
            with kinbox(file, where) as process:
                wait_until(lambda: "started" in file.with_suffix(".log").read_text())
                wait_until(lambda: status(file, where) == 1_000)
                time.sleep(2)
                before, start = processor_seconds(process.pid), time.monotonic()
                time.sleep(options.seconds)
                used = processor_seconds(process.pid) - before
                percent = 100 * used / (time.monotonic() - start)
            rows.append({"database": database, "seconds": options.seconds, "percent": percent,
                         "met": percent < IDLE_GOAL})
    report.print_table(
        [("database", "{}"), ("seconds", "{}"), ("% of a processor", "{:.2f}"),
         (f"goal: < {IDLE_GOAL:g}", "{}")],
        [[*list(row.values())[:-1], report.verdict(row["met"])] for row in rows])
    workshop.write_results("idle", {"summary": rows})


def sampled(process):
    """Resident memory each tenth of a second, to the end of the process."""
    samples = []
    while process.poll() is None:
        mib = resident_mib(process.pid)
        if mib is not None:
            samples.append(mib)
        time.sleep(0.1)
    return samples


def memory_row(database, records, samples):
    quarter = max(1, len(samples) // 4)
    second, last = max(samples[quarter:2 * quarter]), max(samples[-quarter:])
    return {"database": database, "records": records, "peak": max(samples), "second": second,
            "last": last, "met": max(samples) < MEMORY_GOAL and last <= FLAT * second}


def memory(options):
    rows, all_samples = [], {}
    with workshop.services(options.keep_services) as services:
        topic = "bench.memory"
        workshop.produce(services.brokers, topic, options.records)
        for database in databases(options):
            file = plain_configuration(topic, f"{topic}.{database}")
            where = environment(services, database, f"memory-{database}")
            with kinbox(file, where, "--until-idle") as process:
                samples = sampled(process)
            if process.returncode != 0 or status(file, where) != options.records:
                raise SystemExit("bench: kinbox did not consume everything; its log is in build/bench")
            all_samples[database] = samples
            rows.append(memory_row(database, options.records, samples))
    report.print_table(
        [("database", "{}"), ("records", "{:,}"), ("peak MiB", "{:.0f}"),
         ("second quarter's", "{:.0f}"), ("last quarter's", "{:.0f}"),
         (f"goal: < {MEMORY_GOAL:g}, flat", "{}")],
        [[*list(row.values())[:-1], report.verdict(row["met"])] for row in rows])
    workshop.write_results("memory", {"summary": rows, "samples_mib": all_samples})
