-- One row per order.
CREATE TABLE {kinbox}.order_view (
  order_id     text COLLATE "C" PRIMARY KEY,
  order_number text NOT NULL,
  buyer_id     text COLLATE "C" NOT NULL,
  seller_ids   jsonb NOT NULL,
  total_amount numeric NOT NULL,
  version      bigint NOT NULL DEFAULT 1,
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
