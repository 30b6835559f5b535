-- E-mails that are to be sent. At most one per order, type and revision.
-- state: pending, sending (under a lease), sent, unknown (the lease ran out after the mail may have
-- gone), failed.
CREATE TABLE {kinbox}.email_outbox (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id        text COLLATE "C" NOT NULL,
  email_type      text COLLATE "C" NOT NULL,
  revision        integer NOT NULL,
  recipient       text NOT NULL,
  message_id      text COLLATE "C" NOT NULL,
  -- The event's payload, for the template. json, not jsonb: the producer's tokens stay.
  payload         json NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  state           text COLLATE "C" NOT NULL DEFAULT 'pending',
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
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
  WHERE state IN ('pending', 'sending');
