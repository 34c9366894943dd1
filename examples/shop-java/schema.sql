-- The old shop's tables, MariaDB: amounts as DECIMAL, moments as DATETIME in Shanghai's time, letters for states,
-- names as First|Last.
CREATE TABLE products (
  id BIGINT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  price DECIMAL(12,2) NOT NULL
);
-- What may be sold, by side: each side sells from rows that it owns.
CREATE TABLE stock (
  sku BIGINT NOT NULL,
  side VARCHAR(3) NOT NULL,
  owner VARCHAR(3) NOT NULL,
  available BIGINT NOT NULL,
  changed DATETIME(3) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (sku, side),
  KEY stock_changed (changed)
);
CREATE TABLE orders (
  id VARCHAR(32) PRIMARY KEY,
  request VARCHAR(64) NOT NULL,
  uid BIGINT NOT NULL,
  buyer_name VARCHAR(81) NOT NULL,
  channel VARCHAR(16) NOT NULL,
  status CHAR(1) NOT NULL,
  total DECIMAL(12,2) NOT NULL,
  created DATETIME(3) NOT NULL,
  changed DATETIME(3) NOT NULL,
  owner VARCHAR(3) NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE KEY orders_request (request),
  KEY orders_user (uid, created),
  KEY orders_changed (changed)
);
CREATE TABLE order_items (
  order_id VARCHAR(32) NOT NULL,
  line INT NOT NULL,
  sku BIGINT NOT NULL,
  qty BIGINT NOT NULL,
  price DECIMAL(12,2) NOT NULL,
  stock_side VARCHAR(3) NOT NULL,
  PRIMARY KEY (order_id, line)
);
CREATE TABLE payments (
  id VARCHAR(32) PRIMARY KEY,
  order_id VARCHAR(32) NOT NULL,
  amount DECIMAL(12,2) NOT NULL,
  provider_txn VARCHAR(64) NOT NULL,
  status CHAR(1) NOT NULL,
  changed DATETIME(3) NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE KEY payments_order (order_id),
  UNIQUE KEY payments_txn (provider_txn),
  KEY payments_changed (changed)
);
-- Messages to be sent, written with what they tell of.
CREATE TABLE messages (
  id VARCHAR(32) PRIMARY KEY,
  topic VARCHAR(64) NOT NULL,
  order_id VARCHAR(32) NOT NULL,
  body TEXT NOT NULL,
  changed DATETIME(3) NOT NULL,
  KEY messages_order (order_id),
  KEY messages_changed (changed)
);
