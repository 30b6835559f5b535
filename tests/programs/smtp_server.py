#!/usr/bin/python3
"""smtp_server.py FOLDER [--tls | --starttls] [--certificate FILE] [--login USER:PASSWORD] [--forget]

An SMTP server of the tests, on a free port of the loopback interface, by aiosmtpd. It says
`listening PORT` on its standard output, and writes what happens to FOLDER/events, a line each, before
it answers:

  connection                  one was opened
  mail N                      the N-th mail was taken; FOLDER has N.eml, and N.json as Python reads it

A mail whose sender or recipient has a local part STAGE-WHAT, as in content-452@example.org, is
treated so. STAGE is mail, rcpt, data (before 354), within (after the first line of the content) or
content (after the final dot). WHAT is an answer's code, drop (the connection is reset) or silent (no
answer, ever). With content-drop and content-silent the mail is taken.

With --forget mails are counted and nothing else.

Of its standard input it reads lines: `close` resets all connections, `goodbye` closes them with 421,
`count` does nothing; `done` and the number of mails so far say that it did. It ends with its standard
input.
"""
import argparse
import asyncio
import email
import email.policy
import json
import pathlib
import re
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

INSTRUCTION = re.compile(r"(mail|rcpt|data|within|content)-(\d{3}|drop|silent)\b")


def say(*words):
    print(*words, flush=True)


def readable(message):
    """What a mail reader makes of it, with LF at the ends of lines."""
    parts = [part for part in message.walk() if not part.is_multipart()]

    def text(part):
        return part.get_content().replace("\r\n", "\n")

    return {
        "headers": {name: str(value) for name, value in message.items()},
        "parts": [{"type": part.get_content_type(), "text": text(part)} for part in parts],
        "defects": [str(defect) for part in message.walk() for defect in part.defects],
    }


class Mails:
    def __init__(self, folder, forget):
        self.folder, self.forget, self.count = pathlib.Path(folder), forget, 0

    def take(self, envelope):
        self.count += 1
        if self.forget:
            return
        content = envelope.content
        parsed = readable(email.message_from_bytes(content, policy=email.policy.default))
        parsed.update({"from": envelope.mail_from, "to": envelope.rcpt_tos})
        (self.folder / f"{self.count}.eml").write_bytes(content)
        (self.folder / f"{self.count}.json").write_text(json.dumps(parsed))
        self.note(f"mail {self.count}")

    def note(self, event):
        with open(self.folder / "events", "a", encoding="ascii") as events:
            events.write(event + "\n")


class Server(SMTP):
    connected = set()

    def connection_made(self, transport):
        if self.transport is None:
            self.event_handler.mails.note("connection")
        super().connection_made(transport)
        Server.connected.add(self)

    def connection_lost(self, error):
        Server.connected.discard(self)
        super().connection_lost(error)

    def wish(self, stage, address):
        found = INSTRUCTION.match(address or "")
        return found.group(2) if found and found.group(1) == stage else None

    async def obey(self, stage, *addresses):
        """The answer that is wished for, if any."""
        for address in addresses:
            what = self.wish(stage, address)
            if what == "drop":
                self.transport.abort()
            if what in ("drop", "silent"):
                await asyncio.Event().wait()
            if what:
                return f"{what}-{stage} is not\r\n{what} what we do"
        return None

    async def smtp_DATA(self, argument):
        answer = await self.obey("data", *self.envelope.rcpt_tos)
        if answer:
            return await self.push(answer)
        if any(self.wish("within", address) for address in self.envelope.rcpt_tos):
            await self.push("354 go on")
            await self._reader.readline()
            await self.obey("within", *self.envelope.rcpt_tos)
        await super().smtp_DATA(argument)


class Handler:
    def __init__(self, mails):
        self.mails = mails

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = await server.obey("mail", address)
        if not answer:
            envelope.mail_from = address
        return answer or "250 go on"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = await server.obey("rcpt", address)
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 go on"

    async def handle_DATA(self, server, session, envelope):
        wishes = [server.wish("content", address) for address in envelope.rcpt_tos]
        if all(wish in (None, "drop", "silent") for wish in wishes):
            self.mails.take(envelope)
        return await server.obey("content", *envelope.rcpt_tos) or "250 taken"


def login(wanted):
    def check(server, session, envelope, mechanism, data):
        given = b":".join([data.login, data.password]).decode()
        return AuthResult(success=given == wanted, handled=False)

    return check


def obey_owner(loop, mails):
    line = sys.stdin.readline().strip()
    if not line:
        loop.stop()
        return
    for server in list(Server.connected):
        if line == "goodbye":
            server.transport.write(b"421 closing\r\n")
            server.transport.close()
        elif line == "close":
            server.transport.abort()
    say("done", mails.count)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--certificate")
    parser.add_argument("--login")
    parser.add_argument("--forget", action="store_true")
    options = parser.parse_args()

    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
    handler = Handler(Mails(options.folder, options.forget))
    loop = asyncio.new_event_loop()

    def new_server():
        return Server(
            handler,
            loop=loop,
            hostname="test",
            tls_context=context if options.starttls else None,
            require_starttls=options.starttls,
            auth_required=options.login is not None,
            auth_require_tls=False,
            authenticator=login(options.login) if options.login else None,
        )

    listening = loop.create_server(
        new_server, "127.0.0.1", 0, ssl=context if options.tls else None
    )
    port = loop.run_until_complete(listening).sockets[0].getsockname()[1]
    loop.add_reader(sys.stdin.fileno(), obey_owner, loop, handler.mails)
    say("listening", port)
    loop.run_forever()


main()
