-- The new shop's tables, PostgreSQL: amounts in cents, moments as TIMESTAMPTZ, words for states, names in two parts.
CREATE TABLE products (
  id BIGINT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  price_cents BIGINT NOT NULL
);
-- What may be sold, by side: each side sells from rows that it owns.
CREATE TABLE stock (
  sku BIGINT NOT NULL,
  side VARCHAR(3) NOT NULL,
  owner VARCHAR(3) NOT NULL,
  available BIGINT NOT NULL,
  changed_at TIMESTAMPTZ(3) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (sku, side)
);
CREATE INDEX stock_changed ON stock (changed_at);
CREATE TABLE orders (
  id VARCHAR(32) PRIMARY KEY,
  request VARCHAR(64) NOT NULL,
  user_id BIGINT NOT NULL,
  buyer_first VARCHAR(40) NOT NULL,
  buyer_last VARCHAR(40) NOT NULL,
  channel VARCHAR(16) NOT NULL,
  status VARCHAR(16) NOT NULL,
  total_cents BIGINT NOT NULL,
  created_at TIMESTAMPTZ(3) NOT NULL,
  changed_at TIMESTAMPTZ(3) NOT NULL,
  owner VARCHAR(3) NOT NULL,
  version BIGINT NOT NULL,
  CONSTRAINT orders_request UNIQUE (request)
);
CREATE INDEX orders_user ON orders (user_id, created_at);
CREATE INDEX orders_changed ON orders (changed_at);
CREATE TABLE order_items (
  order_id VARCHAR(32) NOT NULL,
  line INT NOT NULL,
  sku BIGINT NOT NULL,
  qty BIGINT NOT NULL,
  price_cents BIGINT NOT NULL,
  stock_side VARCHAR(3) NOT NULL,
  PRIMARY KEY (order_id, line)
);
CREATE TABLE payments (
  id VARCHAR(32) PRIMARY KEY,
  order_id VARCHAR(32) NOT NULL,
  amount_cents BIGINT NOT NULL,
  provider_txn VARCHAR(64) NOT NULL,
  status VARCHAR(16) NOT NULL,
  changed_at TIMESTAMPTZ(3) NOT NULL,
  version BIGINT NOT NULL,
  CONSTRAINT payments_order UNIQUE (order_id),
  CONSTRAINT payments_txn UNIQUE (provider_txn)
);
CREATE INDEX payments_changed ON payments (changed_at);
-- Messages to be sent, written with what they tell of.
CREATE TABLE messages (
  id VARCHAR(32) PRIMARY KEY,
  topic VARCHAR(64) NOT NULL,
  order_id VARCHAR(32) NOT NULL,
  body TEXT NOT NULL,
  changed_at TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX messages_order ON messages (order_id);
CREATE INDEX messages_changed ON messages (changed_at);
