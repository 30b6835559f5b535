"""Dead letters that `dlq retry --all` brings back, beside fresh records."""
import os
import statistics
import subprocess

from . import operation, report, workshop
from .workshop import OUTPUT, say

GOAL = 0.5
TOPIC = "bench.redrive"

# Without the right type nobody takes an event. That is what is mended.
CONFIGURATION = """\
kafka: {bootstrap.servers: given by the environment}
database: {sqlite: kinbox.db}
consumers:
  - name: orders
    group: GROUP
    topics: {TOPIC: {type: [TYPE]}}
    handlers: [order_view]
    dlq_budget: {capacity: 100000000}
    dlq_topic: none
"""

FRESH = """SELECT count(*), extract(epoch FROM max(processed_at) - min(processed_at))
    FROM {s}.processed_events WHERE verdict = 'applied'"""
REDRIVEN = """SELECT count(*), extract(epoch FROM max(changed_at) - min(changed_at))
    FROM {s}.dead_letters WHERE state = 'resolved'"""
WAITING = "SELECT count(*) FROM {s}.letter_states WHERE state = 'requested'"
OPEN = "SELECT count(*) FROM {s}.letter_states WHERE state = 'open'"


def psql(services, where, sql):
    question = sql.format(s=where["KINBOX_DATABASE_SCHEMA"])
    return subprocess.run(["psql", services.postgres, "-qAt", "-F", " ", "-c", question], check=True,
                          capture_output=True, text=True).stdout.split()


def configuration(name, event_type):
    file = OUTPUT / f"{name}.yaml"
    file.write_text(CONFIGURATION.replace("GROUP", name).replace("TOPIC", TOPIC)
                    .replace("TYPE", event_type))
    return file


def consume(file, where):
    with operation.kinbox(file, where, "--until-idle") as process:
        if process.wait() != 0:
            raise SystemExit(f"bench: kinbox run failed; see {file.with_suffix('.log')}")


def rate(services, where, sql, records):
    """Events per second from the first batch to the last, by the database's clock."""
    count, seconds = psql(services, where, sql)
    if int(count) != records:
        raise SystemExit(f"bench: {count} of {records} events were applied")
    return records / float(seconds)


def fresh(services, number, records):
    name = f"redrive-fresh-{number}"
    where = operation.environment(services, "postgres", name)
    consume(configuration(name, "{pointer: /eventType}"), where)
    return rate(services, where, FRESH, records)


def redriven(services, number, records):
    name = f"redrive-again-{number}"
    where = operation.environment(services, "postgres", name)
    consume(configuration(name, "topic"), where)
    if int(psql(services, where, OPEN)[0]) != records:
        raise SystemExit("bench: not every event became a letter")
    file = configuration(name, "{pointer: /eventType}")
    subprocess.run([workshop.BUILD / "kinbox", "dlq", "retry", "--all", "--yes", "-c", file], check=True,
                   capture_output=True, env={**os.environ, **where})
    with operation.kinbox(file, where):
        operation.wait_until(lambda: int(psql(services, where, WAITING)[0]) == 0, patience=600)
    return rate(services, where, REDRIVEN, records)


def measure(options):
    runs = []
    with workshop.services(options.keep_services) as services:
        workshop.produce(services.brokers, TOPIC, options.records)
        for number in range(options.rounds):
            one = {"round": number, "fresh": fresh(services, number, options.records),
                   "redriven": redriven(services, number, options.records)}
            one["ratio"] = one["redriven"] / one["fresh"]
            say(f"round {number + 1}: fresh {one['fresh']:,.0f}/s, again {one['redriven']:,.0f}/s")
            runs.append(one)
    ratios = [one["ratio"] for one in runs]
    row = {"fresh": statistics.median(one["fresh"] for one in runs),
           "redriven": statistics.median(one["redriven"] for one in runs),
           "median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios),
           "met": statistics.median(ratios) >= GOAL}
    report.print_table(
        [("fresh/s", "{:,.0f}"), ("again/s", "{:,.0f}"), ("ratio", "{:.2f}"), ("lowest", "{:.2f}"),
         ("highest", "{:.2f}"), (f"goal: >= {GOAL:g}", "{}")],
        [[*list(row.values())[:-1], report.verdict(row["met"])]])
    workshop.write_results("redrive", {"letters": options.records, "summary": row, "runs": runs})
