"""kinbox against the same job written by hand, in interleaved rounds."""
import dataclasses
import os
import statistics

from . import report, workshop
from .workshop import say

REPEAT_EVERY = 100
# SQLite has one writer: a second worker would only wait for its turn.
SETTINGS = [("postgres", 1), ("postgres", 2), ("sqlite", 1)]
CONTENDERS = {
    "postgres": ["kinbox", "kinbox_one_by_one", "kinbox_hot_rows", "kinbox_parking",
                 "kinbox_parked_keys", "per_message", "batch_loop", "pipeline_loop", "set_loop"],
    "sqlite": ["kinbox", "per_message", "batch_loop"],
}
ALL_CONTENDERS = list(dict.fromkeys(CONTENDERS["postgres"] + CONTENDERS["sqlite"]))
# Reads a shorter topic: it is slow, and rates are compared.
SHORT = ["per_message"]
# Read their topic twice; the second time everything is a duplicate.
TWICE = ["kinbox"]
DUPLICATES = ", duplicates"


@dataclasses.dataclass
class Goal:
    """`ours` is to reach `factor` times the rate of `theirs`, in the same round."""
    database: str
    workers: int
    ours: str
    theirs: str
    factor: float
    their_workers: int = 0

    def __post_init__(self):
        self.their_workers = self.their_workers or self.workers


def goals():
    for workers in (1, 2):
        yield Goal("postgres", workers, "kinbox_one_by_one", "pipeline_loop", 0.9)
        yield Goal("postgres", workers, "kinbox", "set_loop", 0.85)
        yield Goal("postgres", workers, "kinbox", "per_message", 20)
        yield Goal("postgres", workers, "kinbox" + DUPLICATES, "kinbox", 2)
    yield Goal("postgres", 1, "kinbox_parking", "kinbox", 0.97)
    yield Goal("postgres", 1, "kinbox_parked_keys", "kinbox", 0.8)
    yield Goal("postgres", 2, "kinbox_hot_rows", "kinbox_hot_rows", 0.9, their_workers=1)
    yield Goal("sqlite", 1, "kinbox", "batch_loop", 0.85)
    yield Goal("sqlite", 1, "kinbox" + DUPLICATES, "kinbox", 2)


def key(run):
    return run["database"], run["workers"], run["contender"]


def run_once(services, topic, contender, database, workers):
    options = ["run", "--brokers", services.brokers, "--contender", contender,
               "--database", database, "--topic", topic["topic"], "--records", topic["records"],
               "--distinct", topic["distinct"], "--workers", workers,
               "--passes", 2 if contender in TWICE else 1]
    if database == "postgres":
        return workshop.bench(*options, "--postgres", services.postgres)
    file = workshop.OUTPUT / f"bench-{os.getpid()}.db"
    for leftover in workshop.OUTPUT.glob(file.name + "*"):
        leftover.unlink()
    return workshop.bench(*options, "--sqlite", file)


def with_duplicates(run):
    """The passes of a run as runs of their own."""
    passes = run.pop("duplicates", [])
    yield run
    for again in passes:
        yield {**run, **again, "contender": run["contender"] + DUPLICATES}


def rotated(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def run_round(number, options, services, topics):
    for database, workers in SETTINGS:
        if options.only and database != options.only:
            continue
        chosen = [one for one in CONTENDERS[database] if one in options.contenders]
        for contender in rotated(chosen, number) if chosen else []:
            topic = topics["short" if contender in SHORT else "long"]
            run = run_once(services, topic, contender, database, workers)
            for one in with_duplicates({**run, "round": number, "load": os.getloadavg()[0]}):
                say(f"round {number + 1}: {database}, {workers} worker(s), {one['contender']}: "
                    f"{one['records_per_second']:,.0f}/s")
                yield one


def summary(runs):
    by_key = {}
    for run in runs:
        by_key.setdefault(key(run), []).append(run)
    order = [setting for setting in SETTINGS]
    for (database, workers, contender), group in sorted(
            by_key.items(), key=lambda item: order.index(item[0][:2])):
        rates = [run["records_per_second"] for run in group]
        yield {"database": database, "workers": workers, "contender": contender,
               "median": statistics.median(rates), "lowest": min(rates), "highest": max(rates),
               "cpu_microseconds_per_record": statistics.median(
                   run["cpu_seconds"] / run["records"] * 1e6 for run in group)}


def judged(runs):
    """Every goal with the ratios of its rounds; None where one side was not measured."""
    rates = {(key(run), run["round"]): run["records_per_second"] for run in runs}
    rounds = sorted({run["round"] for run in runs})
    for goal in goals():
        ours = goal.database, goal.workers, goal.ours
        theirs = goal.database, goal.their_workers, goal.theirs
        ratios = [rates[ours, r] / rates[theirs, r] for r in rounds
                  if (ours, r) in rates and (theirs, r) in rates]
        median = statistics.median(ratios) if ratios else None
        yield {**dataclasses.asdict(goal), "median": median,
               "lowest": min(ratios, default=None), "highest": max(ratios, default=None),
               "met": None if median is None else median >= goal.factor}


def print_rates(rows):
    report.print_table(
        [("database", "{}"), ("workers", "{}"), ("contender", "{}"), ("records/s", "{:,.0f}"),
         ("lowest", "{:,.0f}"), ("highest", "{:,.0f}"), ("cpu us/record", "{:.1f}")],
        [list(row.values()) for row in rows])


def print_goals(rows):
    def side(workers, contender):
        return f"{contender} ({workers} worker{'s' if workers > 1 else ''})"

    report.print_table(
        [("database", "{}"), ("goal", "{}"), ("at least", "{:g}"), ("ratio", "{:.2f}"),
         ("lowest", "{:.2f}"), ("highest", "{:.2f}"), ("", "{}")],
        [[row["database"], side(row["workers"], row["ours"]) + " / " +
          side(row["their_workers"], row["theirs"]), row["factor"], row["median"], row["lowest"],
          row["highest"], report.verdict(row["met"])] for row in rows])


def measure(options):
    with workshop.services(options.keep_services) as services:
        topics = {"long": workshop.produce(services.brokers, "bench.long", options.records,
                                           REPEAT_EVERY),
                  "short": workshop.produce(services.brokers, "bench.short", options.short_records,
                                            REPEAT_EVERY)}
        runs = []
        for number in range(options.rounds):
            runs += run_round(number, options, services, topics)
    rates, goals_met = list(summary(runs)), list(judged(runs))
    print_rates(rates)
    print_goals(goals_met)
    workshop.write_results("throughput", {"rounds": options.rounds, "topics": topics,
                                          "summary": rates, "goals": goals_met, "runs": runs})
