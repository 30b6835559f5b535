"""The five services of examples/02_order_pipeline in one process."""
import re
import sqlite3
import statistics
import subprocess

from . import operation, report, workshop
from .workshop import OUTPUT, ROOT, say

EXAMPLE = ROOT / "examples/02_order_pipeline/kinbox.yaml"
ORDERS = "marketplace.order.created"
TOPICS = [ORDERS, "marketplace.order.status-changed", "marketplace.stock.received",
          "marketplace.inventory", "marketplace.payment"]
SERVICES = 5
SPAN_POSTGRES = """SELECT count(*), extract(epoch FROM max(processed_at) - min(processed_at))
    FROM {schema}.processed_events WHERE verdict = 'applied'"""
SPAN_SQLITE = """SELECT count(*), (julianday(max(processed_at)) - julianday(min(processed_at))) * 86400
    FROM processed_events WHERE verdict = 'applied'"""


def configuration(name):
    """The example's, without mails, and with groups of its own: a group has one database."""
    text = re.sub(r"(?m)^email: .*\n", "", EXAMPLE.read_text(encoding="utf-8"))
    text, services = re.subn(r"(?m)^  - name: (\w+)$", rf"  - name: \1\n    group: \1-{name}", text)
    if services != SERVICES:
        raise SystemExit(f"bench: {EXAMPLE.relative_to(ROOT)} has {services} consumers, not {SERVICES}")
    file = OUTPUT / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def fill(services, orders):
    """What a shop sends: the demo's orders, which say what was bought."""
    for topic in TOPICS:
        workshop.produce(services.brokers, topic, 0)
    workshop.checked(workshop.BUILD / "kinbox", "demo", "produce", "--brokers", services.brokers,
                     "--topic", ORDERS, "--count", str(orders), "--duplicates", "0", "--poison", "0")


def span(services, where):
    """Events applied, and seconds from the first batch to the last, by the database's clock."""
    url = where["KINBOX_DATABASE_URL"]
    if url.startswith("sqlite:"):
        return sqlite3.connect(url.removeprefix("sqlite:")).execute(SPAN_SQLITE).fetchone()
    question = SPAN_POSTGRES.format(schema=where["KINBOX_DATABASE_SCHEMA"])
    answer = subprocess.run(["psql", services.postgres, "-qAt", "-F", " ", "-c", question],
                            check=True, capture_output=True, text=True).stdout.split()
    return int(answer[0]), float(answer[1])


def run(services, database, number, orders):
    name = f"pipeline-{database}-{number}"
    file, where = configuration(name), operation.environment(services, database, name)
    with operation.kinbox(file, where, "--until-idle") as process:
        code = process.wait()
    events, seconds = span(services, where)
    if code != 0 or events != SERVICES * orders:
        raise SystemExit(f"bench: {events} of {SERVICES * orders} events were applied, exit code {code}; "
                         f"the log is {file.with_suffix('.log').relative_to(ROOT)}")
    say(f"round {number + 1}: {database}: {orders / seconds:,.0f} orders/s")
    return {"database": database, "round": number, "orders": orders, "seconds": seconds}


def measure(options):
    with workshop.services(options.keep_services) as services:
        fill(services, options.records)
        runs = [run(services, database, number, options.records)
                for number in range(options.rounds) for database in operation.databases(options)]
    rows = []
    for database in operation.databases(options):
        rates = [one["orders"] / one["seconds"] for one in runs if one["database"] == database]
        rows.append({"database": database, "orders": statistics.median(rates), "lowest": min(rates),
                     "highest": max(rates), "events": SERVICES * statistics.median(rates)})
    report.print_table(
        [("database", "{}"), ("orders/s", "{:,.0f}"), ("lowest", "{:,.0f}"), ("highest", "{:,.0f}"),
         ("events/s of all five", "{:,.0f}")], [list(row.values()) for row in rows])
    workshop.write_results("pipeline", {"summary": rows, "runs": runs})
