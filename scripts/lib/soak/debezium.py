"""Debezium itself carries what handlers emit with `relay: cdc`, and replies.

Kafka Connect with Debezium's connector for PostgreSQL, from Maven Central, configured as
docs/effects.md shows: it reads the log, its outbox event router makes the records. `kinbox run`
consumes orders of which a tenth comes twice, and emits; the connector gets SIGKILL meanwhile. Then
the topics are read: each event at least once under one id, with its headers, key and payload, those
of a key in order.
"""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.parse

from workshop import ROOT, SERVICES, checked, prepare, services_environment

KINBOX = ROOT / "build/dev/kinbox"
OUTPUT = ROOT / "build/soak-debezium"
KAFKA, DEBEZIUM = "4.1.1", "3.3.1.Final"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kinbox"
PATIENCE = 180

CONSUMERS = """\
kafka: {{bootstrap.servers: "{brokers}"}}
database: {{postgres: "{uri}", migrate: auto}}
consumers:
  - name: view
    topics: [orders]
    handlers: [order_view]
    dlq_topic: none
    reply: {{to: replies}}
  - name: payment
    topics: [orders]
    handlers: [{{name: payment, settings: {{topic: payments}}}}]
    dlq_topic: none
outbox: {{relay: cdc}}
log: {{level: warning}}
"""

WORKER = """\
bootstrap.servers={brokers}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=io.debezium.converters.BinaryDataConverter
offset.storage.file.filename={output}/offsets
offset.flush.interval.ms=1000
plugin.discovery=only_scan
listeners=http://127.0.0.1:0
"""

# Beside what docs/effects.md shows: which database, and topics that do not exist yet.
CONNECTOR = """\
name=outbox
connector.class=io.debezium.connector.postgresql.PostgresConnector
plugin.name=pgoutput
publication.autocreate.mode=filtered
snapshot.mode=no_data
database.hostname={host}
database.port={port}
database.user={user}
database.password=unused
database.dbname={name}
topic.prefix=soak
topic.creation.default.replication.factor=1
topic.creation.default.partitions=3
"""


def say(text):
    print(f"debezium: {text}", file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="soak debezium", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=5_000, help="%(default)s")
    parser.add_argument("--kills", type=int, default=3, help="SIGKILLs of Connect; %(default)s")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    return parser.parse_args()


def jars():
    """Kafka Connect and Debezium, fetched once."""
    lib = CACHE / f"debezium-{DEBEZIUM}-{KAFKA}/lib"
    if not lib.is_dir():
        say(f"fetching Debezium {DEBEZIUM} from Maven Central (once) to {lib.parent}")
        new = lib.with_name(f"new-{os.getpid()}")
        checked("mvn", "-q", "-B", "-C", "-f", "scripts/lib/debezium/pom.xml",
                f"-Dkafka.version={KAFKA}", f"-Ddebezium.version={DEBEZIUM}",
                "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
                "-DincludeScope=runtime", f"-DoutputDirectory={new}")
        new.rename(lib)
    return f"{lib}/*"


def psql(uri, sql):
    return subprocess.run(["psql", uri, "-qtAX", "-v", "ON_ERROR_STOP=1", "-c", sql], check=True,
                          capture_output=True, text=True).stdout.strip()


def settings_of_the_documentation():
    """The properties that docs/effects.md shows."""
    text = (ROOT / "docs/effects.md").read_text(encoding="utf-8")
    return text.split("```properties\n", 1)[1].split("```", 1)[0]


def write_properties(brokers, uri):
    where = urllib.parse.urlparse(uri)
    (OUTPUT / "worker.properties").write_text(WORKER.format(brokers=brokers, output=OUTPUT))
    (OUTPUT / "connector.properties").write_text(
        CONNECTOR.format(host=where.hostname, port=where.port, user=where.username,
                         name=where.path.lstrip("/")) + settings_of_the_documentation())


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"debezium: {what} in {PATIENCE} s; logs are in {OUTPUT}")
        time.sleep(0.5)


class Connect:
    """Kafka Connect, standalone, while it is open."""

    def __init__(self, uri):
        self.uri, self.process = uri, None
        self.command = ["java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-cp", jars(),
                        "org.apache.kafka.connect.cli.ConnectStandalone",
                        OUTPUT / "worker.properties", OUTPUT / "connector.properties"]

    def start(self):
        with open(OUTPUT / "connect.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_until(self.reads, "the connector did not begin to read the log")

    def reads(self):
        if self.process.poll() is not None:
            sys.exit(f"debezium: Connect ended by itself; its log is {OUTPUT}/connect.log")
        return psql(self.uri, "SELECT count(*) FROM pg_replication_slots WHERE active") == "1"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: psql(self.uri, "SELECT count(*) FROM pg_replication_slots "
                                          "WHERE active") == "0", "the slot was not given free")

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def create_topic(brokers, topic):
    checked("java", "-XX:TieredStopAtLevel=1", "-cp", f"{CACHE}/kafka-{KAFKA}/lib/*",
            "org.apache.kafka.tools.TopicCommand", "--bootstrap-server", brokers, "--create",
            "--topic", topic, "--partitions", "3")


def events(orders):
    """Key and value of each record: creations, some cancelled later, a tenth twice."""
    for n in range(orders):
        order = {"orderId": f"o-{n}", "orderNumber": f"SO-{n}", "buyerId": f"b-{n % 97}",
                 "sellerIds": [f"s-{n % 11}"], "totalAmount": f"{n % 500}.25"}
        created = {"eventId": f"e-{n}", "eventType": "ORDER_CREATED", **order}
        yield order["orderId"], created
        if n % 5 == 0:
            yield order["orderId"], {"eventId": f"c-{n}", "eventType": "ORDER_CANCELLED", **order}
        if n % 10 == 3:
            yield order["orderId"], created


def produce(brokers, orders):
    lines = "".join(f"{key}\t{json.dumps(value)}\n" for key, value in events(orders))
    subprocess.run(["kcat", "-P", "-b", brokers, "-t", "orders", "-K", "\t"], input=lines,
                   check=True, text=True)


def consumed(brokers, topic):
    """Its records, each partition in order."""
    out = subprocess.run(["kcat", "-C", "-q", "-e", "-J", "-b", brokers, "-t", topic],
                         check=True, capture_output=True, text=True).stdout
    records = [json.loads(line) for line in out.splitlines()]
    for record in records:
        names = record.get("headers", [])
        record["headers"] = dict(zip(names[::2], names[1::2]))
    return sorted(records, key=lambda record: (record["partition"], record["offset"]))


def distinct(records):
    return {record["headers"].get("ce_id") for record in records}


def replies_wanted(orders):
    """Type and payload by the id of the event that is answered."""
    wanted = {}
    for n in range(orders):
        wanted[f"e-{n}"] = ("ORDER_CREATED.processed", "processed", None)
        if n % 5 == 0:  # order_view does not know it.
            wanted[f"c-{n}"] = ("ORDER_CANCELLED.failed", "failed", "unknown_type")
    return wanted


def complaints_about_replies(records, orders):
    wanted, ids = replies_wanted(orders), {}
    for record in records:
        headers, payload = record["headers"], json.loads(record["payload"])
        event = headers.get("correlation-id")
        kind, verdict, reason = wanted.get(event, (None, None, None))
        expected = {"eventId": event, "consumer": "view", "verdict": verdict}
        if reason:
            expected["reason"] = reason
        if headers.get("ce_type") != kind or payload != expected:
            yield f"reply to {event}: {headers} {payload}"
        if headers.get("ce_causationid") != event or headers.get("ce_source") != "/view":
            yield f"reply to {event}: cause or source: {headers}"
        ids.setdefault(event, set()).add(headers.get("ce_id"))
    yield from (f"{event} was answered under {len(found)} ids"
                for event, found in ids.items() if len(found) != 1)
    yield from (f"{event} was not answered" for event in wanted.keys() - ids.keys())


def complaints_about_payments(records, orders):
    seen, types = {}, {}
    for record in records:
        headers, payload = record["headers"], json.loads(record["payload"])
        for name in ("ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion", "content-type",
                     "ce_causationid"):
            if not headers.get(name):
                yield f"payment of {record['key']}: no header {name}"
        if payload["orderId"] != record["key"]:
            yield f"payment of {record['key']}: {payload}"
        if seen.setdefault(headers["ce_id"], record["payload"]) != record["payload"]:
            yield f"{headers['ce_id']} has two payloads"
        history = types.setdefault(record["key"], [])
        if headers["ce_type"] not in history:
            history.append(headers["ce_type"])
    for n in range(orders):
        wanted = ["payment.completed"] + (["payment.refunded"] if n % 5 == 0 else [])
        if types.get(f"o-{n}") != wanted:
            yield f"payment of o-{n}: {types.get(f'o-{n}')} instead of {wanted}"


def consume_and_kill(configuration, connect, uri, kills):
    with open(OUTPUT / "kinbox.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen([KINBOX, "run", "--until-idle", "-c", configuration], stderr=log)
    for kill in range(kills):
        before = psql(uri, "SELECT confirmed_flush_lsn FROM pg_replication_slots")
        wait_until(lambda: process.poll() is not None or before != psql(
            uri, "SELECT confirmed_flush_lsn FROM pg_replication_slots"),
            "the connector did not get on")
        connect.kill()
        connect.start()
        say(f"killed {kill + 1}/{kills}")
    return process.wait()


def report(what, records, wanted, complaints):
    found = len(distinct(records))
    good = found == wanted and not complaints
    print(f"{'ok  ' if good else 'FAIL'}  {what}: {found:,} events (expected {wanted:,}), "
          f"{len(records) - found:,} copies, {len(complaints)} complaints")
    for line in complaints[:5]:
        print(f"      {line}")
    return good


def soak(options, environment):
    brokers, uri = environment["KINBOX_TEST_BROKERS"], environment["KINBOX_TEST_POSTGRES"]
    configuration = OUTPUT / "kinbox.yaml"
    configuration.write_text(CONSUMERS.format(brokers=brokers, uri=uri))
    write_properties(brokers, uri)
    checked(KINBOX, "migrate", "up", "-c", configuration)
    for topic in ("orders", "replies", "payments"):
        create_topic(brokers, topic)
    produce(brokers, options.orders)
    cancelled = -(-options.orders // 5)
    wanted = options.orders + cancelled
    with contextlib.closing(Connect(uri)) as connect:
        connect.start()
        code = consume_and_kill(configuration, connect, uri, options.kills)
        for topic in ("replies", "payments"):
            wait_until(lambda: len(distinct(consumed(brokers, topic))) >= wanted,
                       f"not everything came to topic {topic}")
    replies, payments = consumed(brokers, "replies"), consumed(brokers, "payments")
    left = int(psql(uri, "SELECT count(*) FROM kinbox.outbox_events"))
    good = [report("replies", replies, wanted,
                   list(complaints_about_replies(replies, options.orders))),
            report("payments", payments, wanted,
                   list(complaints_about_payments(payments, options.orders)))]
    print(f"{'ok  ' if left == 0 else 'FAIL'}  rows left in outbox_events: {left}")
    print(f"{'ok  ' if code == 0 else 'FAIL'}  exit code of kinbox run: {code}")
    return all(good) and left == 0 and code == 0


def main():
    options = arguments()
    prepare(options, KINBOX.name)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for old in ("offsets", "connect.log"):
        (OUTPUT / old).unlink(missing_ok=True)
    checked("scripts/services", "start", "--fresh", "--dir", SERVICES)
    try:
        psql(services_environment()["KINBOX_TEST_POSTGRES"], "ALTER SYSTEM SET wal_level = logical")
        checked("scripts/services", "restart", "postgres", "--dir", SERVICES)
        good = soak(options, services_environment())
        print(f"{options.orders:,} orders, {options.kills} SIGKILLs of Debezium {DEBEZIUM}: "
              f"{'all well' if good else 'BROKEN'}")
    finally:
        checked("scripts/services", "stop", "--dir", SERVICES)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
