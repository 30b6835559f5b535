-- What is there of each product, free and set aside for orders. Never below zero.
CREATE TABLE {kinbox}.inventory_stock (
  product_id text COLLATE "C" PRIMARY KEY,
  available  bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
  reserved   bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- What became of each order: reserved, rejected, released (it was cancelled).
CREATE TABLE {kinbox}.inventory_orders (
  order_id   text COLLATE "C" PRIMARY KEY,
  state      text COLLATE "C" NOT NULL CHECK (state IN ('reserved', 'rejected', 'released')),
  event_id   text COLLATE "C" NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- What is set aside, for whom: the sum per product is inventory_stock.reserved.
CREATE TABLE {kinbox}.inventory_reservations (
  order_id   text COLLATE "C" NOT NULL,
  product_id text COLLATE "C" NOT NULL,
  quantity   bigint NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, product_id)
);
