-- One row per order. total_amount is the producer's token: SQLite has no decimal type.
CREATE TABLE {kinbox}.order_view (
  order_id     TEXT NOT NULL PRIMARY KEY,
  order_number TEXT NOT NULL,
  buyer_id     TEXT NOT NULL,
  seller_ids   TEXT NOT NULL,
  total_amount TEXT NOT NULL,
  version      INTEGER NOT NULL DEFAULT 1,
  updated_at   TEXT NOT NULL DEFAULT ({now})
) STRICT;
