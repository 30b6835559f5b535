-- E-mails that are to be sent. At most one per order, type and revision; rows stay after they were
-- sent, so that a replay mails nobody twice.
-- state: pending (also while a sender prepares it, under a lease), sending (the content may have
-- been handed over), sent, unknown (nobody knows whether it arrived), failed, discarded.
CREATE TABLE {kinbox}.email_outbox (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id        TEXT NOT NULL,
  email_type      TEXT NOT NULL,
  revision        INTEGER NOT NULL,
  recipient       TEXT NOT NULL,
  message_id      TEXT NOT NULL,
  -- For the template.
  payload         TEXT NOT NULL CHECK (json_valid(payload)),
  event_id        TEXT NOT NULL,
  state           TEXT NOT NULL DEFAULT 'pending',
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT NOT NULL DEFAULT ({now}),
  -- Of one attempt, never used twice.
  lease_token     TEXT NOT NULL DEFAULT '',
  lease_until     TEXT,
  provider_reply  TEXT NOT NULL DEFAULT '',
  last_error      TEXT NOT NULL DEFAULT '',
  created_at      TEXT NOT NULL DEFAULT ({now}),
  sent_at         TEXT,
  updated_at      TEXT NOT NULL DEFAULT ({now}),
  UNIQUE (order_id, email_type, revision)
) STRICT;
CREATE INDEX {kinbox}.email_outbox_due ON email_outbox (next_attempt_at, id)
  WHERE state IN ('pending', 'unknown');
CREATE INDEX {kinbox}.email_outbox_sending ON email_outbox (lease_until)
  WHERE state = 'sending';

-- Processes that send, so that a person can see whether any does and what keeps it from it.
CREATE TABLE {kinbox}.email_senders (
  sender     TEXT NOT NULL PRIMARY KEY,
  target     TEXT NOT NULL,
  trouble    TEXT NOT NULL DEFAULT '',
  seen_until TEXT NOT NULL
) STRICT;
