CREATE TABLE {kinbox}.balances (
  account TEXT NOT NULL PRIMARY KEY,
  cents   INTEGER NOT NULL
) STRICT;
