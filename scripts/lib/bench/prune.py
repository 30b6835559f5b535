"""What it costs live workers that a million old rows are deleted beside them."""
import os
import statistics
import subprocess
import time

from . import desk, operation, report, workshop
from .workshop import say

GOAL = 0.85  # Of the rate without a prune, in the same round.
SMALL = 50.0  # Milliseconds, a look at the large table.
OLD = 1_000_000
BEGUN = 20_000  # Records that make the partitions known.
TOPIC = "bench.prune"
RETENTION = "retention: {inbox: 7d, every: none, confirm: [orders]}\n"

# Old rows stand where the live partitions were: their floors are raised under the live owners' locks.
FILL = """
INSERT INTO {schema}.processed_events (consumer, event_id, topic, partition, record_offset, event_type,
  verdict, fingerprint, processed_at)
SELECT 'orders', 'old-' || md5(n::text) || '-' || n, p.topic, p.partition, n % p.next_offset, 'old',
       'applied', decode(md5(n::text) || '00', 'hex'),
       now() - interval '8 days' + n * interval '1 ms'
  FROM generate_series(1, {rows}) AS n
  JOIN (SELECT *, row_number() OVER (ORDER BY partition) - 1 AS place, count(*) OVER () AS places
          FROM {schema}.consumer_progress WHERE consumer = 'orders' AND next_offset > 0) AS p
    ON n % p.places = p.place
"""
SPAN = """SELECT count(*), extract(epoch FROM max(processed_at) - min(processed_at))
    FROM {schema}.processed_events WHERE event_type <> 'old' AND processed_at > '{since}'"""


def configuration(topic, group):
    file = operation.plain_configuration(topic, group)
    file.write_text(file.read_text(encoding="utf-8") + RETENTION, encoding="utf-8")
    return file


def consume(file, where):
    with operation.kinbox(file, where, "--until-idle") as process:
        if process.wait() != 0:
            raise SystemExit(f"bench: kinbox run failed; see {file.with_suffix('.log')}")


def prune(file, where):
    return subprocess.Popen([workshop.BUILD / "kinbox", "prune", "-c", file, "-o", "json"],
                            env={**os.environ, **where}, stdout=subprocess.DEVNULL)


def old_rows(services, schema):
    return int(desk.psql(services, f"SELECT count(*) FROM {schema}.processed_events "
                                   "WHERE event_type = 'old'")[0])


def live_rate(services, schema, file, where, topic, records, pruning):
    """Records per second of a consumer that is behind, and how long the prune took beside it."""
    workshop.produce(services.brokers, topic, records, first=BEGUN)
    since = desk.psql(services, "SELECT replace(clock_timestamp()::text, ' ', 'T')")[0]
    start = time.perf_counter()
    pruner = prune(file, where) if pruning else None
    consume(file, where)
    still_pruning = pruner is not None and pruner.poll() is None
    events, seconds = desk.psql(services, "\\pset fieldsep ' '\n" +
                                SPAN.format(schema=schema, since=since))
    if int(events) != records:
        raise SystemExit(f"bench: {events} of {records} events were applied")
    if pruner is None:
        return records / float(seconds), None, False
    if pruner.wait() != 0 or old_rows(services, schema) != 0:
        raise SystemExit("bench: kinbox prune did not delete all old rows")
    return records / float(seconds), time.perf_counter() - start, still_pruning


def one(services, number, pruning, options):
    name = f"prune-{number}-{'beside' if pruning else 'alone'}"
    schema, topic = name.replace("-", "_"), f"{TOPIC}.{name}"
    file, where = configuration(topic, name), operation.environment(services, "postgres", name)
    workshop.produce(services.brokers, topic, BEGUN)
    consume(file, where)
    desk.psql(services, FILL.format(schema=schema, rows=OLD))
    desk.psql(services, f"VACUUM ANALYZE {schema}.processed_events; CHECKPOINT")
    rate, seconds, whole = live_rate(services, schema, file, where, topic, options.records, pruning)
    say(f"round {number + 1}: {rate:,.0f} records/s" +
        (f" beside a prune of {seconds:.1f} s{'' if whole else ', which ended before'}"
         if pruning else " without"))
    desk.psql(services, f"DROP SCHEMA {schema} CASCADE")
    return {"round": number, "pruning": pruning, "rate": rate, "prune_seconds": seconds,
            "beside_all_the_time": whole}


def measure(options):
    with workshop.services(options.keep_services) as services:
        if options.large:
            return large(services, options)
        runs = [one(services, number, pruning, options) for number in range(options.rounds)
                # Whichever is second runs on a warmer machine.
                for pruning in ((False, True) if number % 2 == 0 else (True, False))]
    alone = {run["round"]: run["rate"] for run in runs if not run["pruning"]}
    beside = {run["round"]: run["rate"] for run in runs if run["pruning"]}
    ratios = [beside[number] / alone[number] for number in alone]
    seconds = [run["prune_seconds"] for run in runs if run["pruning"]]
    report.print_table(
        [("without, records/s", "{:,.0f}"), ("beside a prune", "{:,.0f}"), ("ratio", "{:.2f}"),
         ("lowest", "{:.2f}"), ("highest", "{:.2f}"), ("prune, s", "{:.1f}"),
         (f"goal: {GOAL}", "{}")],
        [[statistics.median(alone.values()), statistics.median(beside.values()),
          statistics.median(ratios), min(ratios), max(ratios), statistics.median(seconds),
          report.verdict(statistics.median(ratios) >= GOAL)]])
    workshop.write_results("prune", {"rows": OLD, "records": options.records, "runs": runs})


def look(file, where, line):
    start = time.perf_counter()
    subprocess.run([workshop.BUILD / "kinbox", *line, "-c", file, "-o", "csv"], check=False,
                   capture_output=True, env={**os.environ, **where})
    return (time.perf_counter() - start) * 1000


def large(services, options):
    """The same consumer on an empty inbox and on one of --large rows, and what a look costs there."""
    rates, looks = {}, []
    for rows in (0, options.large):
        name = f"prune-large-{rows}"
        schema, topic = name.replace("-", "_"), f"{TOPIC}.{name}"
        file, where = configuration(topic, name), operation.environment(services, "postgres", name)
        workshop.produce(services.brokers, topic, BEGUN)
        consume(file, where)
        # Sorted once at the end, not a row at a time.
        desk.psql(services, f"ALTER TABLE {schema}.processed_events DROP CONSTRAINT "
                            "processed_events_pkey")
        for begin in range(0, rows, 5 * OLD):
            say(f"{begin:,} of {rows:,} rows are written")
            desk.psql(services, FILL.format(schema=schema, rows=min(5 * OLD, rows - begin)).replace(
                "'old-'", f"'old-{begin}-'").replace("interval '8 days'", "interval '1 day'"))
        desk.psql(services, "SET maintenance_work_mem = '1GB';"
                            f"ALTER TABLE {schema}.processed_events ADD PRIMARY KEY (consumer, event_id)")
        desk.psql(services, f"VACUUM ANALYZE {schema}.processed_events; CHECKPOINT")
        rates[rows], _, _ = live_rate(services, schema, file, where, topic, options.records, False)
        if rows:
            old = desk.psql(services, f"SELECT event_id FROM {schema}.processed_events LIMIT 1")[0]
            for line in (["status"], ["inbox", "show", old]):
                looks.append((line[0], statistics.median(look(file, where, line) for _ in range(5))))
    ratio = rates[options.large] / rates[0]
    report.print_table(
        [("what", "{}"), ("", "{:,.2f}"), ("goal", "{}")],
        [["records/s, empty", rates[0], ""], [f"records/s, {options.large:,} rows", rates[options.large],
                                              ""],
         ["ratio", ratio, report.verdict(ratio >= 0.7)],
         *[[f"{name}, ms", took, report.verdict(took < SMALL)] for name, took in looks]])
    workshop.write_results("prune-large", {"rows": options.large, "rates": rates, "looks": looks})
