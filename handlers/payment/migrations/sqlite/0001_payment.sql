-- The book: one entry per order and kind. Each entry takes from one account what it gives to
-- another, so what the accounts hold is zero together.
CREATE TABLE {kinbox}.payment_ledger (
  order_id  TEXT NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('capture', 'refund')),
  debit     TEXT NOT NULL,
  credit    TEXT NOT NULL CHECK (credit <> debit),
  cents     INTEGER NOT NULL CHECK (cents >= 0),
  event_id  TEXT NOT NULL,
  booked_at TEXT NOT NULL DEFAULT ({now}),
  PRIMARY KEY (order_id, kind)
) STRICT;
-- What each account holds: a total that is kept, and must agree with the book.
CREATE TABLE {kinbox}.payment_accounts (
  account TEXT NOT NULL PRIMARY KEY,
  balance INTEGER NOT NULL
) STRICT;
