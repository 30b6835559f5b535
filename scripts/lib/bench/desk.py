"""How long an operator waits for the dead-letter desk."""
import os
import statistics
import subprocess
import time

from . import operation, report, workshop
from .workshop import say

GOAL = 300.0  # Milliseconds, the whole command, process start included.
SCHEMA = "desk"

# 40 causes, the frequent ones far more so than the others; three consumers, one of which has nothing
# open; one letter in ten is resolved, one in twenty requested, one in a hundred was tried before.
FILL = """
INSERT INTO desk.letters (consumer, event_id, event_type, topic, partition, record_offset,
  record_timestamp_ms, key, value, headers, fingerprint, reason, handler, error_type, error_code,
  error_text, error_group, attempts, first_failed_at, dead_at, redrive_count)
SELECT CASE n % 20 WHEN 19 THEN 'stock' WHEN 18 THEN 'mail' WHEN 17 THEN 'mail' ELSE 'orders' END,
       'event-' || n, 'OrderCreated', 'orders.' || n % 7, n % 12, n, 1769817600000 + n,
       convert_to('customer-' || n % 200000, 'UTF8'),
       convert_to('{"order":' || n || ',"note":"' || repeat(md5(n::text), 10) || '"}', 'UTF8'),
       '[["id","' || md5(n::text) || '"]]', decode(md5(n::text), 'hex'),
       CASE cause WHEN 3 THEN 'retries_exhausted' ELSE 'handler_rejected' END,
       'handler_' || cause % 5, 'kinbox::PermanentError', 'code_' || cause,
       'order ' || n || ' has no account', left(md5(cause::text), 16), 5, at, at,
       (n % 100 = 0)::int
  FROM (SELECT n, floor(power(random(), 3) * 40)::int AS cause,
               timestamptz '2026-01-31T00:00:00Z' + n * interval '10 ms' AS at
          FROM generate_series(1, RECORDS) AS n) AS numbers;
INSERT INTO desk.letter_states (id, consumer, topic, partition, record_offset, error_group, dead_at,
  redrive_count, state)
SELECT id, consumer, topic, partition, record_offset, error_group, dead_at, redrive_count,
       CASE WHEN record_offset % 20 = 3 THEN 'requested' ELSE 'open' END
  FROM desk.letters WHERE record_offset % 10 <> 9
"""

COMMANDS = (
    "groups", "groups --consumer mail", "groups --state all", "list", "list --after MIDDLE",
    "list --state all --after MIDDLE", "list --consumer mail", "list --consumer stock",
    "list --group FREQUENT", "list --group RARE", "list --group FREQUENT --consumer mail",
    "list --key customer-17", "list --event-id event-MIDDLE", "list --handler handler_3",
    "list --reason retries_exhausted", "list --topic orders.3 --partition 5",
    "list --error-class code_39", "list --since 2026-01-31T00:00:05Z", "show MIDDLE")


def psql(services, sql):
    return subprocess.run(["psql", "-qAt", "-v", "ON_ERROR_STOP=1", services.postgres], input=sql,
                          check=True, capture_output=True, text=True).stdout.split()


def filled(services, records):
    """The configuration and environment of a database with so many letters, and two of its groups."""
    file = operation.plain_configuration("bench.desk", "bench.desk")
    variables = {**os.environ, **operation.environment(services, "postgres", SCHEMA)}
    workshop.checked("env", f"KINBOX_DATABASE_URL={services.postgres}", f"KINBOX_DATABASE_SCHEMA={SCHEMA}",
                     f"KINBOX_KAFKA_BOOTSTRAP_SERVERS={services.brokers}",
                     str(workshop.BUILD / "kinbox"), "migrate", "up", "-c", str(file))
    say(f"writing {records:,} dead letters")
    psql(services, FILL.replace("RECORDS", str(records)))
    # As autovacuum does sooner or later, behind this many rows.
    psql(services, f"VACUUM ANALYZE {SCHEMA}.letters, {SCHEMA}.letter_states")
    groups = psql(services, f"SELECT error_group FROM {SCHEMA}.dead_letters WHERE state = 'open' "
                            "GROUP BY error_group ORDER BY count(*) DESC")
    return file, variables, {"FREQUENT": groups[0], "RARE": groups[-1], "MIDDLE": str(records // 2)}


def timed(file, variables, line):
    command = [workshop.BUILD / "kinbox", "dlq", *line.split(), "-c", file, "-o", "csv"]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=variables)
    return (time.perf_counter() - start) * 1000


def measure(options):
    rows = []
    with workshop.services(options.keep_services) as services:
        file, variables, words = filled(services, options.records)
        for line in COMMANDS:
            for word, value in words.items():
                line = line.replace(word, value)
            runs = [timed(file, variables, line) for _ in range(options.rounds)]
            rows.append({"command": "dlq " + line, "median": statistics.median(runs),
                         "lowest": min(runs), "highest": max(runs),
                         "met": statistics.median(runs) < GOAL})
    report.print_table(
        [("command", "{}"), ("ms", "{:.0f}"), ("lowest", "{:.0f}"), ("highest", "{:.0f}"),
         (f"goal: < {GOAL:g} ms", "{}")],
        [[*list(row.values())[:-1], report.verdict(row["met"])] for row in rows])
    workshop.write_results("desk", {"letters": options.records, "summary": rows})
