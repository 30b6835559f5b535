-- What each seller sold on each day (UTC).
CREATE TABLE {kinbox}.analytics_seller_days (
  seller_id        text COLLATE "C" NOT NULL,
  day              date NOT NULL,
  orders           bigint NOT NULL DEFAULT 0,
  units            bigint NOT NULL DEFAULT 0,
  revenue_cents    bigint NOT NULL DEFAULT 0,
  cancelled_orders bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (seller_id, day)
);
