"""Consumes a million records from real Kafka into PostgreSQL while `kinbox run` is killed.

Builds the release preset, starts PostgreSQL and Kafka under build/soak-services, fills a topic, and
runs the shipped binary with the shipped handlers as two consumers. Again and again the process gets
SIGKILL at a random moment; at the end it runs until idle, and SQL says whether each order has its
effects once and every record its verdict.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

from shipped import BENCH, KINBOX, Database, build, say, show
from workshop import ROOT, SERVICES, checked, end_in_order, services_environment

OUTPUT = ROOT / "build/soak"
REPEAT_EVERY = 10

CONFIGURATION = """\
kafka:
  bootstrap.servers: {brokers}
  session.timeout.ms: 6000
  heartbeat.interval.ms: 1000
database: {{postgres: "{uri}", schema: {schema}, migrate: auto}}
consumers:
  - {{name: view, group: view-{run}, topics: [{topic}], handlers: [order_view], workers: 2}}
  - name: mail
    group: mail-{run}
    topics: [{topic}]
    handlers: [{{name: email_confirmation, settings: {{recipient: {{sql: "SELECT $1::text || '@example.com'"}}}}}}]
log: {{level: warning}}
"""


def arguments():
    parser = argparse.ArgumentParser(prog="soak records", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="of the moments; printed")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    return parser.parse_args()


def run_and_kill(configuration, database, total, kills):
    """Returns how many processes were killed while they had something left to do."""
    struck = 0
    while struck < kills:
        before = database.decided()
        process = subprocess.Popen([KINBOX, "run", "--until-idle", "-c", configuration],
                                   stdout=sys.stderr)
        # The share of the whole after which this one dies, and a moment within a batch or two.
        target = before + total // (kills + 1)
        while process.poll() is None and database.decided() < target:
            time.sleep(0.05)
        time.sleep(random.uniform(0, 0.2))
        if process.poll() is not None:
            if process.returncode != 0:
                sys.exit(f"soak: kinbox run ended by itself with exit code {process.returncode}")
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        struck += 1
        say(f"killed {struck}/{kills} after {database.decided():,} of {total:,} verdicts")
    return struck


def findings(database, records, distinct):
    expected = {
        "orders in the view": ("SELECT count(*) FROM {s}.order_view", distinct),
        "orders whose row was written twice":
            ("SELECT count(*) FROM {s}.order_view WHERE version <> 1", 0),
        "confirmations": ("SELECT count(*) FROM {s}.email_outbox", distinct),
        "inbox rows": ("SELECT count(*) FROM {s}.processed_events", 2 * distinct),
        "applied": ("SELECT sum(applied) FROM {s}.consumer_progress", 2 * distinct),
        "duplicates": ("SELECT sum(duplicates) FROM {s}.consumer_progress", 2 * (records - distinct)),
        "records with a verdict":
            ("SELECT sum(next_offset - first_offset - gaps) FROM {s}.consumer_progress", 2 * records),
        "dead letters": ("SELECT count(*) FROM {s}.dead_letters", 0),
        "open batches":
            ("SELECT count(*) FROM {s}.consumer_progress WHERE open_batch IS NOT NULL", 0),
    }
    return {what: (database.number(sql), wanted) for what, (sql, wanted) in expected.items()}


def main():
    options = arguments()
    end_in_order()
    seed = options.seed if options.seed is not None else random.randrange(2**32)
    random.seed(seed)
    say(f"seed {seed}")
    if not options.no_build:
        build()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    checked("scripts/services", "start", "--fresh", "--dir", SERVICES)
    try:
        environment = services_environment()
        run = f"{seed:08x}"
        topic = f"soak-{run}"
        produced = json.loads(subprocess.run(
            [BENCH, "produce", "--brokers", environment["KINBOX_TEST_BROKERS"], "--topic", topic,
             "--records", str(options.records), "--repeat-every", str(REPEAT_EVERY)],
            check=True, capture_output=True, text=True).stdout)
        schema = f"soak_{run}"
        configuration = OUTPUT / "kinbox.yaml"
        configuration.write_text(CONFIGURATION.format(
            brokers=environment["KINBOX_TEST_BROKERS"], uri=environment["KINBOX_TEST_POSTGRES"],
            schema=schema, run=run, topic=topic))
        database = Database(environment["KINBOX_TEST_POSTGRES"], schema)
        started = time.monotonic()
        struck = run_and_kill(configuration, database, 2 * options.records, options.kills)
        code = subprocess.run([KINBOX, "run", "--until-idle", "-c", configuration],
                              stdout=sys.stderr).returncode
        seconds = time.monotonic() - started
        found = findings(database, produced["records"], produced["distinct"])
    finally:
        checked("scripts/services", "stop", "--dir", SERVICES)
    found["SIGKILLs"] = struck, options.kills
    found["last run's exit code"] = code, 0
    good = show(found)
    print(f"{produced['records']:,} records, two consumers, {seconds:.0f} s: "
          f"{'all well' if good else 'BROKEN'}")
    return 0 if good else 1


if __name__ == "__main__":
    os.environ.setdefault("KINBOX_LOG_FORMAT", "human")
    sys.exit(main())
