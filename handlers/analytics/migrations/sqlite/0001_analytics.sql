-- What each seller sold on each day (UTC), written as 2026-01-31.
CREATE TABLE {kinbox}.analytics_seller_days (
  seller_id        TEXT NOT NULL,
  day              TEXT NOT NULL,
  orders           INTEGER NOT NULL DEFAULT 0,
  units            INTEGER NOT NULL DEFAULT 0,
  revenue_cents    INTEGER NOT NULL DEFAULT 0,
  cancelled_orders INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (seller_id, day)
) STRICT;
