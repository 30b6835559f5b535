-- The book: one entry per order and kind. Each entry takes from one account what it gives to
-- another, so what the accounts hold is zero together.
CREATE TABLE {kinbox}.payment_ledger (
  order_id  text COLLATE "C" NOT NULL,
  kind      text COLLATE "C" NOT NULL CHECK (kind IN ('capture', 'refund')),
  debit     text COLLATE "C" NOT NULL,
  credit    text COLLATE "C" NOT NULL CHECK (credit <> debit),
  cents     bigint NOT NULL CHECK (cents >= 0),
  event_id  text COLLATE "C" NOT NULL,
  booked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (order_id, kind)
);
-- What each account holds: a total that is kept, and must agree with the book.
CREATE TABLE {kinbox}.payment_accounts (
  account text COLLATE "C" PRIMARY KEY,
  balance bigint NOT NULL
);
