-- The new shop's tables, MariaDB: amounts in cents, moments as TIMESTAMP, words for states, names in two parts.
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
  changed_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  version BIGINT NOT NULL,
  PRIMARY KEY (sku, side),
  KEY stock_changed (changed_at)
);
CREATE TABLE orders (
  id VARCHAR(32) PRIMARY KEY,
  request VARCHAR(64) NOT NULL,
  user_id BIGINT NOT NULL,
  buyer_first VARCHAR(40) NOT NULL,
  buyer_last VARCHAR(40) NOT NULL,
  channel VARCHAR(16) NOT NULL,
  status VARCHAR(16) NOT NULL,
  total_cents BIGINT NOT NULL,
  created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  changed_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  owner VARCHAR(3) NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE KEY orders_request (request),
  KEY orders_user (user_id, created_at),
  KEY orders_changed (changed_at)
);
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
  changed_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  version BIGINT NOT NULL,
  UNIQUE KEY payments_order (order_id),
  UNIQUE KEY payments_txn (provider_txn),
  KEY payments_changed (changed_at)
);
-- Messages to be sent, written with what they tell of.
CREATE TABLE messages (
  id VARCHAR(32) PRIMARY KEY,
  topic VARCHAR(64) NOT NULL,
  order_id VARCHAR(32) NOT NULL,
  body TEXT NOT NULL,
  changed_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  KEY messages_order (order_id),
  KEY messages_changed (changed_at)
);
