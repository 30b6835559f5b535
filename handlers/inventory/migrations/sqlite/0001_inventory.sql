-- What is there of each product, free and set aside for orders. Never below zero.
CREATE TABLE {kinbox}.inventory_stock (
  product_id TEXT NOT NULL PRIMARY KEY,
  available  INTEGER NOT NULL DEFAULT 0 CHECK (available >= 0),
  reserved   INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  updated_at TEXT NOT NULL DEFAULT ({now})
) STRICT;
-- What became of each order: reserved, rejected, released (it was cancelled).
CREATE TABLE {kinbox}.inventory_orders (
  order_id   TEXT NOT NULL PRIMARY KEY,
  state      TEXT NOT NULL CHECK (state IN ('reserved', 'rejected', 'released')),
  event_id   TEXT NOT NULL,
  updated_at TEXT NOT NULL DEFAULT ({now})
) STRICT;
-- What is set aside, for whom: the sum per product is inventory_stock.reserved.
CREATE TABLE {kinbox}.inventory_reservations (
  order_id   TEXT NOT NULL,
  product_id TEXT NOT NULL,
  quantity   INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, product_id)
) STRICT;
