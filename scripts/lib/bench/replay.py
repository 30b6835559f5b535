"""A replay over events that were applied: planning, filling, reprocessing, beside fresh records and
what kcat reads."""
import os
import statistics
import subprocess
import time

from . import operation, report, workshop
from .workshop import OUTPUT, say

TOPIC = "bench.replay"
FILL_GOAL = 2.0
PLAN_GOAL = 0.8

CONFIGURATION = """\
kafka: {bootstrap.servers: given by the environment}
database: {sqlite: kinbox.db}
outbox: {relay: none}
consumers:
  - {name: orders, group: GROUP, topics: [TOPIC], handlers: [order_view], dlq_topic: none}
"""
FRESH = """SELECT count(*), extract(epoch FROM max(processed_at) - min(processed_at))
    FROM {s}.processed_events WHERE verdict = 'applied'"""
REPLAYED = """SELECT sum(p.next_offset - p.begin_offset), extract(epoch FROM r.ended_at - r.started_at)
    FROM {s}.replays r JOIN {s}.replay_progress p ON p.replay_id = r.id
    WHERE r.id = (SELECT max(id) FROM {s}.replays) GROUP BY r.ended_at, r.started_at"""


def psql(services, where, sql):
    question = sql.format(s=where["KINBOX_DATABASE_SCHEMA"])
    return subprocess.run(["psql", services.postgres, "-qAt", "-F", " ", "-c", question], check=True,
                          capture_output=True, text=True).stdout.split()


def timed(command, **more):
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
    return time.monotonic() - began


def replayed(services, where, file, mode, *more):
    """Offsets per second, by the database's clock; and what planning took, from start to end."""
    plan = file.with_suffix(".json")
    kinbox, environment = workshop.BUILD / "kinbox", {**os.environ, **where}
    planned = timed([kinbox, "replay", "plan", "--consumer", "orders", "--to-earliest", "--mode", mode,
                     "--file", plan, "-c", file], env=environment)
    subprocess.run([kinbox, "replay", "apply", plan, "-c", file, *more], check=True,
                   capture_output=True, env=environment)
    count, seconds = psql(services, where, REPLAYED)
    return int(count) / float(seconds), planned


def run(services, number, records):
    name = f"replay-{number}"
    where = operation.environment(services, "postgres", name)
    file = OUTPUT / f"{name}.yaml"
    file.write_text(CONFIGURATION.replace("GROUP", name).replace("TOPIC", TOPIC))
    with operation.kinbox(file, where, "--until-idle") as process:
        if process.wait() != 0:
            raise SystemExit(f"bench: kinbox run failed; see {file.with_suffix('.log')}")
    count, seconds = psql(services, where, FRESH)
    fill, planned = replayed(services, where, file, "fill", "--yes")
    again, _ = replayed(services, where, file, "reprocess", "--confirm=orders")
    read = timed(["kcat", "-C", "-b", services.brokers, "-t", TOPIC, "-e", "-q"])
    one = {"round": number, "records": int(count), "fresh": int(count) / float(seconds), "fill": fill,
           "reprocess": again, "plan": records / planned, "kcat": records / read}
    say(f"round {number + 1}: " + ", ".join(f"{key} {one[key]:,.0f}/s" for key in
                                            ("fresh", "fill", "reprocess", "plan", "kcat")))
    return one


def measure(options):
    with workshop.services(options.keep_services) as services:
        workshop.produce(services.brokers, TOPIC, options.records)
        runs = [run(services, number, options.records) for number in range(options.rounds)]
    rows = []
    for what, against, goal in (("fill", "fresh", FILL_GOAL), ("reprocess", "fresh", None),
                                ("plan", "kcat", PLAN_GOAL)):
        ratios = [one[what] / one[against] for one in runs]
        median = statistics.median(ratios)
        rows.append([f"{what} / {against}", statistics.median(one[what] for one in runs),
                     statistics.median(one[against] for one in runs), median, min(ratios), max(ratios),
                     "" if goal is None else f">= {goal:g}: " + report.verdict(median >= goal)])
    report.print_table([("ratio of", "{}"), ("first/s", "{:,.0f}"), ("second/s", "{:,.0f}"),
                        ("ratio", "{:.2f}"), ("lowest", "{:.2f}"), ("highest", "{:.2f}"),
                        ("goal", "{}")], rows)
    workshop.write_results("replay", {"records": options.records, "runs": runs})
