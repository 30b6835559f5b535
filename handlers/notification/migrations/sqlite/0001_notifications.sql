-- What people see in the application: one per recipient, order and kind.
CREATE TABLE {kinbox}.notifications (
  recipient    TEXT NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('buyer', 'seller')),
  order_id     TEXT NOT NULL,
  kind         TEXT NOT NULL,
  order_number TEXT NOT NULL,
  event_id     TEXT NOT NULL,
  created_at   TEXT NOT NULL DEFAULT ({now}),
  -- The application's to write.
  read_at      TEXT,
  PRIMARY KEY (recipient, role, order_id, kind)
) STRICT;
