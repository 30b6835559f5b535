-- E-mails that are to be sent. At most one per order, type and revision.
-- state: pending, sending (under a lease), sent, unknown (the lease ran out after the mail may have
-- gone), failed.
CREATE TABLE {kinbox}.email_outbox (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id        TEXT NOT NULL,
  email_type      TEXT NOT NULL,
  revision        INTEGER NOT NULL,
  recipient       TEXT NOT NULL,
  message_id      TEXT NOT NULL,
  -- The event's payload, for the template.
  payload         TEXT NOT NULL,
  event_id        TEXT NOT NULL,
  state           TEXT NOT NULL DEFAULT 'pending',
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT NOT NULL DEFAULT ({now}),
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
  WHERE state IN ('pending', 'sending');
