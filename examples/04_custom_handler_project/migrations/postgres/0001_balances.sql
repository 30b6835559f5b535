CREATE TABLE {kinbox}.balances (
  account text PRIMARY KEY,
  cents   bigint NOT NULL
);
