-- E-mails that are to be sent. At most one per order, type and revision; rows stay after they were
-- sent, so that a replay mails nobody twice.
-- state: pending (also while a sender prepares it, under a lease), sending (the content may have
-- been handed over), sent, unknown (nobody knows whether it arrived), failed, discarded.
CREATE TABLE {kinbox}.email_outbox (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id        text COLLATE "C" NOT NULL,
  email_type      text COLLATE "C" NOT NULL,
  revision        integer NOT NULL,
  recipient       text NOT NULL,
  message_id      text COLLATE "C" NOT NULL,
  -- For the template. json, not jsonb: the producer's tokens stay.
  payload         json NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  state           text COLLATE "C" NOT NULL DEFAULT 'pending',
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Of one attempt, never used twice.
  lease_token     text COLLATE "C" NOT NULL DEFAULT '',
  lease_until     timestamptz,
  provider_reply  text NOT NULL DEFAULT '',
  last_error      text NOT NULL DEFAULT '',
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  sent_at         timestamptz,
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (order_id, email_type, revision)
);
CREATE INDEX email_outbox_due ON {kinbox}.email_outbox (next_attempt_at, id)
  WHERE state IN ('pending', 'unknown');
CREATE INDEX email_outbox_sending ON {kinbox}.email_outbox (lease_until)
  WHERE state = 'sending';

-- Processes that send, so that a person can see whether any does and what keeps it from it.
CREATE TABLE {kinbox}.email_senders (
  sender     text COLLATE "C" PRIMARY KEY,
  target     text NOT NULL,
  trouble    text NOT NULL DEFAULT '',
  seen_until timestamptz NOT NULL
);
