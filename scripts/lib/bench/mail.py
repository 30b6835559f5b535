"""How many e-mails leave in a second."""
import contextlib
import statistics
import subprocess

from . import operation, report, workshop
from .workshop import OUTPUT, ROOT, say

CONNECTIONS = (1, 4)


class Server:
    """An SMTP server that counts mails and forgets them."""

    def __init__(self, process):
        self.process = process
        self.port = self.answer("listening")

    def answer(self, word):
        line = self.process.stdout.readline().split()
        if not line or line[0] != word:
            raise SystemExit("bench: tests/programs/smtp_server.py does not work")
        return int(line[1])

    def mails(self):
        self.process.stdin.write("count\n")
        self.process.stdin.flush()
        return self.answer("done")


@contextlib.contextmanager
def smtp_server():
    # aiosmtpd belongs to Debian's Python.
    command = ["/usr/bin/python3", ROOT / "tests/programs/smtp_server.py", "--forget", OUTPUT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.stdin.close()


def run(services, database, connections, mails):
    if database == "postgres":
        location = services.postgres
    else:
        location = OUTPUT / "mail.db"
        location.unlink(missing_ok=True)
    with smtp_server() as server:
        result = workshop.bench("mail", "--database", database, "--location", location,
                                "--smtp-port", server.port, "--senders", connections,
                                "--mails", mails)
        arrived = server.mails()
    if arrived != 2 * mails:
        raise SystemExit(f"bench: {arrived} mails arrived instead of {2 * mails}")
    return {"database": database, **result}


def summary(runs):
    for database, senders in dict.fromkeys((run["database"], run["senders"]) for run in runs):
        group = [run for run in runs if (run["database"], run["senders"]) == (database, senders)]
        rates = [run["mails_per_second"] for run in group]
        yield {"database": database, "connections": senders, "rate": statistics.median(rates),
               "lowest": min(rates), "highest": max(rates),
               "directly": statistics.median(run["directly_per_second"] for run in group)}


def measure(options):
    runs = []
    with workshop.services(options.keep_services) as services:
        for number in range(options.rounds):
            for database in operation.databases(options):
                for connections in CONNECTIONS:
                    runs.append(run(services, database, connections, options.mails))
                    say(f"round {number + 1}: {database}, {connections} connections: "
                        f"{runs[-1]['mails_per_second']:,.0f} mails/s")
    rows = list(summary(runs))
    report.print_table(
        [("database", "{}"), ("connections", "{}"), ("mails/s", "{:,.0f}"), ("lowest", "{:,.0f}"),
         ("highest", "{:,.0f}"), ("without database", "{:,.0f}")],
        [list(row.values()) for row in rows])
    workshop.write_results("mail", {"summary": rows, "runs": runs})
