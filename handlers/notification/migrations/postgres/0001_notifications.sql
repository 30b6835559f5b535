-- What people see in the application: one per recipient, order and kind.
CREATE TABLE {kinbox}.notifications (
  recipient    text COLLATE "C" NOT NULL,
  role         text COLLATE "C" NOT NULL CHECK (role IN ('buyer', 'seller')),
  order_id     text COLLATE "C" NOT NULL,
  kind         text COLLATE "C" NOT NULL,
  order_number text NOT NULL,
  event_id     text COLLATE "C" NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The application's to write.
  read_at      timestamptz,
  PRIMARY KEY (recipient, role, order_id, kind)
);
