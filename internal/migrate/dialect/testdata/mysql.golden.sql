-- make jindu_relay
CREATE TABLE `jindu_relay` (`stream` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `position` LONGTEXT CHARACTER SET utf8mb4 NOT NULL, `at` TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), PRIMARY KEY (`stream`)) ENGINE=InnoDB;
-- make jindu_version
CREATE TABLE `jindu_version` (`tbl` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `row_key` VARBINARY(512) NOT NULL, `version` BIGINT NOT NULL, `gone` BOOLEAN NOT NULL, PRIMARY KEY (`tbl`, `row_key`)) ENGINE=InnoDB;
-- make jindu_fence
CREATE TABLE `jindu_fence` (`migration` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `epoch` BIGINT NOT NULL, `low` INT NOT NULL, `high` INT NOT NULL, PRIMARY KEY (`migration`, `epoch`)) ENGINE=InnoDB;
-- make jindu_outbox
CREATE TABLE `jindu_outbox` (`id` BIGINT NOT NULL AUTO_INCREMENT, `tbl` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `op` CHAR(1) NOT NULL, `row_key` LONGTEXT CHARACTER SET utf8mb4 NOT NULL, `row_after` LONGTEXT CHARACTER SET utf8mb4, `version` BIGINT NOT NULL, `mark` VARCHAR(64), `at` TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), PRIMARY KEY (`id`)) ENGINE=InnoDB;
-- make jindu_parked
CREATE TABLE `jindu_parked` (`stream` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `id` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `body` LONGBLOB NOT NULL, PRIMARY KEY (`stream`, `id`)) ENGINE=InnoDB;
-- lock row
INSERT IGNORE INTO `jindu_fence` VALUES ('', 0, 0, 0);
-- columns
SELECT c.column_name, c.data_type, c.column_type, COALESCE(c.character_set_name, ''), COALESCE(c.collation_name, ''),
 COALESCE(c.character_maximum_length, 0), COALESCE(c.numeric_precision, 0), COALESCE(c.numeric_scale, c.datetime_precision, 0),
 c.is_nullable = 'YES', c.column_default IS NOT NULL OR c.extra LIKE '%auto_increment%' OR c.extra LIKE '%DEFAULT_GENERATED%', COALESCE(c.generation_expression, '') <> '', FALSE, FALSE
FROM information_schema.columns c WHERE c.table_schema = DATABASE() AND c.table_name = ? ORDER BY c.ordinal_position;
--   1: string shop.orders
-- key
SELECT k.column_name FROM information_schema.key_column_usage k
WHERE k.table_schema = DATABASE() AND k.table_name = ? AND k.constraint_name = 'PRIMARY' ORDER BY k.ordinal_position;
-- position
SELECT `position` FROM `jindu_relay` WHERE `stream` = ?;
-- set position
INSERT INTO `jindu_relay` (`stream`, `position`, `at`) VALUES (?, ?, NOW(6)) ON DUPLICATE KEY UPDATE `position` = VALUES(`position`), `at` = VALUES(`at`);
-- fence
SELECT `epoch` FROM `jindu_fence` WHERE `migration` = '' AND `epoch` = 0 FOR UPDATE;
-- fence
SELECT `low`, `high` FROM `jindu_fence` WHERE `migration` = ? AND `epoch` = ?;
-- fence
INSERT INTO `jindu_fence` (`migration`, `epoch`, `low`, `high`) VALUES (?, ?, ?, ?);
-- fence
DELETE FROM `jindu_fence` WHERE `migration` = ? AND `epoch` > ?;
-- fence
SELECT @@GLOBAL.gtid_executed;
-- fence
;
-- fence
SELECT COALESCE(MAX(`epoch`), 0) FROM `jindu_fence` WHERE `epoch` = 0 OR (`epoch` > ? AND `low` <= ? AND `high` > ?) LOCK IN SHARE MODE;
-- outbox
INSERT INTO `jindu_outbox` (`tbl`, `op`, `row_key`, `row_after`, `version`) VALUES (?, ?, ?, ?, ?);
-- lag
SHOW REPLICA STATUS;
-- sum
SELECT COUNT(*), CAST(COALESCE(SUM(CAST(CONV(LEFT(MD5(CONCAT(`id`, ',', OCTET_LENGTH(CAST(CONVERT(`no` USING utf8mb4) AS BINARY)), ':', CAST(CONVERT(`no` USING utf8mb4) AS BINARY), ',', COALESCE(CONCAT(OCTET_LENGTH(CAST(CONVERT(`code` USING utf8mb4) AS BINARY)), ':', CAST(CONVERT(`code` USING utf8mb4) AS BINARY)), 'N'), ',', `amount`, ',', COALESCE((`num` + 0), 'N'), ',', COALESCE(`flag`, 'N'), ',', COALESCE(LOWER(HEX(`raw`)), 'N'), ',', COALESCE(`day`, 'N'), ',', COALESCE(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `clock`)), 'N'), ',', TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `wall`)), ',', COALESCE(`at`, 'N'), ',', COALESCE(LPAD(BIN(`bits` + 0), 10, '0'), 'N'), ',', `ver`, ',', OCTET_LENGTH(CAST(CONVERT(`owner` USING utf8mb4) AS BINARY)), ':', CAST(CONVERT(`owner` USING utf8mb4) AS BINARY), ',')), 16), 16, 10) AS UNSIGNED)), 0) AS CHAR) FROM `shop`.`orders` WHERE (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) >= ? AND ((CAST(CONVERT(`no` USING utf8mb4) AS BINARY) > ?) OR (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) = ? AND `id` > ?))) AND (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) <= ? AND ((CAST(CONVERT(`no` USING utf8mb4) AS BINARY) < ?) OR (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) = ? AND `id` <= ?))) AND `no` LIKE ?;
--   1: []uint8 [79 82 68 45 49]
--   2: []uint8 [79 82 68 45 49]
--   3: []uint8 [79 82 68 45 49]
--   4: int64 4711
--   5: []uint8 [79 82 68 45 57]
--   6: []uint8 [79 82 68 45 57]
--   7: []uint8 [79 82 68 45 57]
--   8: int64 4712
--   9: string ORD-%
-- page
SELECT `id`, `no`, `code`, `amount`, `num`, `flag`, `raw`, `day`, `clock`, `wall`, `at`, `bits`, `ver`, `owner` FROM `shop`.`orders` WHERE (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) >= ? AND ((CAST(CONVERT(`no` USING utf8mb4) AS BINARY) > ?) OR (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) = ? AND `id` > ?))) ORDER BY CAST(CONVERT(`no` USING utf8mb4) AS BINARY), `id` LIMIT 100;
--   1: []uint8 [79 82 68 45 49]
--   2: []uint8 [79 82 68 45 49]
--   3: []uint8 [79 82 68 45 49]
--   4: int64 4711
-- boundary
SELECT `no`, `id` FROM `shop`.`orders` WHERE (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) <= ? AND ((CAST(CONVERT(`no` USING utf8mb4) AS BINARY) < ?) OR (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) = ? AND `id` <= ?))) ORDER BY CAST(CONVERT(`no` USING utf8mb4) AS BINARY), `id` LIMIT 1 OFFSET 999;
--   1: []uint8 [79 82 68 45 57]
--   2: []uint8 [79 82 68 45 57]
--   3: []uint8 [79 82 68 45 57]
--   4: int64 4712
-- changed
SELECT `no`, `id` FROM `shop`.`orders` WHERE (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) >= ? AND ((CAST(CONVERT(`no` USING utf8mb4) AS BINARY) > ?) OR (CAST(CONVERT(`no` USING utf8mb4) AS BINARY) = ? AND `id` > ?))) AND `wall` >= ? AND `wall` < ? ORDER BY CAST(CONVERT(`no` USING utf8mb4) AS BINARY), `id` LIMIT 10;
--   1: []uint8 [79 82 68 45 49]
--   2: []uint8 [79 82 68 45 49]
--   3: []uint8 [79 82 68 45 49]
--   4: int64 4711
--   5: string 2026-11-23 10:11:12.5
--   6: string 2026-11-23 10:11:12.5
-- find
SELECT `id`, `no`, `code`, `amount`, `num`, `flag`, `raw`, `day`, `clock`, `wall`, `at`, `bits`, `ver`, `owner` FROM `shop`.`orders` WHERE (`no` = ? AND `id` = ?) OR (`no` = ? AND `id` = ?) FOR UPDATE;
--   1: string ORD-1
--   2: int64 4711
--   3: string ORD-9
--   4: int64 4712
-- find one
SELECT `no`, `id` FROM `shop`.`orders` WHERE `no` = ? AND `id` IN (?);
--   1: string ORD-1
--   2: int64 4711
-- insert
INSERT INTO `shop`.`orders` (`id`, `no`, `code`, `amount`, `num`, `flag`, `raw`, `day`, `clock`, `wall`, `at`, `bits`, `ver`, `owner`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
--   1: int64 4711
--   2: string ORD-1
--   3: string ORD-1
--   4: string 12.5
--   5: int64 4711
--   6: int64 1
--   7: []uint8 [0 255]
--   8: string 2026-11-23
--   9: string 10:11:12
--   10: string 2026-11-23 10:11:12.5
--   11: string 2026-11-23 10:11:12
--   12: uint64 5
--   13: int64 4711
--   14: string ORD-1
--   15: int64 4711
--   16: string ORD-1
--   17: <nil> <nil>
--   18: string 12.5
--   19: <nil> <nil>
--   20: <nil> <nil>
--   21: <nil> <nil>
--   22: <nil> <nil>
--   23: <nil> <nil>
--   24: string 2026-11-23 10:11:12.5
--   25: <nil> <nil>
--   26: <nil> <nil>
--   27: int64 4711
--   28: string ORD-1
-- update
INSERT INTO `shop`.`orders` (`id`, `no`, `code`, `amount`, `num`, `flag`, `raw`, `day`, `clock`, `wall`, `at`, `bits`, `ver`, `owner`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE `no` = VALUES(`no`), `amount` = VALUES(`amount`), `num` = VALUES(`num`), `flag` = VALUES(`flag`), `raw` = VALUES(`raw`), `day` = VALUES(`day`), `clock` = VALUES(`clock`), `wall` = VALUES(`wall`), `at` = VALUES(`at`), `bits` = VALUES(`bits`), `ver` = VALUES(`ver`), `owner` = VALUES(`owner`);
--   1: int64 4711
--   2: string ORD-1
--   3: string ORD-1
--   4: string 12.5
--   5: int64 4711
--   6: int64 1
--   7: []uint8 [0 255]
--   8: string 2026-11-23
--   9: string 10:11:12
--   10: string 2026-11-23 10:11:12.5
--   11: string 2026-11-23 10:11:12
--   12: uint64 5
--   13: int64 4711
--   14: string ORD-1
--   15: int64 4711
--   16: string ORD-1
--   17: <nil> <nil>
--   18: string 12.5
--   19: <nil> <nil>
--   20: <nil> <nil>
--   21: <nil> <nil>
--   22: <nil> <nil>
--   23: <nil> <nil>
--   24: string 2026-11-23 10:11:12.5
--   25: <nil> <nil>
--   26: <nil> <nil>
--   27: int64 4711
--   28: string ORD-1
-- delete
DELETE FROM `shop`.`orders` WHERE (`no` = ? AND `id` = ?) OR (`no` = ? AND `id` = ?);
--   1: string ORD-1
--   2: int64 4711
--   3: string ORD-9
--   4: int64 4712
-- note
INSERT INTO `jindu_version` (`tbl`, `row_key`, `version`, `gone`) VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE `version` = VALUES(`version`), `gone` = VALUES(`gone`);
--   1: string orders
--   2: []uint8 [0 255]
--   3: int64 7
--   4: int64 1
-- park
INSERT INTO `jindu_parked` (`stream`, `id`, `body`) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE `body` = VALUES(`body`);
--   1: string s
--   2: string 1
--   3: []uint8 [0 255]
-- parked
SELECT `stream`, `id`, `body` FROM `jindu_parked` WHERE `stream` = ? AND CAST(CONVERT(`id` USING utf8mb4) AS BINARY) > ? ORDER BY CAST(CONVERT(`id` USING utf8mb4) AS BINARY) LIMIT 10;
--   1: string s
--   2: []uint8 [49]
-- owned
SELECT `id`, `no`, `code`, `amount`, `num`, `flag`, `raw`, `day`, `clock`, `wall`, `at`, `bits`, `ver`, `owner` FROM `shop`.`orders` WHERE `owner` = ? LIMIT 100 FOR UPDATE;
--   1: string old
-- set owner
UPDATE `shop`.`orders` SET `owner` = ?, `ver` = `ver` + 1 WHERE (`no` = ? AND `id` = ?) OR (`no` = ? AND `id` = ?);
--   1: string new
--   2: string ORD-1
--   3: int64 4711
--   4: string ORD-9
--   5: int64 4712
-- mapped sum
SELECT COUNT(*), CAST(COALESCE(SUM(CAST(CONV(LEFT(MD5(CONCAT(`id`, ',', OCTET_LENGTH(CAST(CONVERT(`no` USING utf8mb4) AS BINARY)), ':', CAST(CONVERT(`no` USING utf8mb4) AS BINARY), ',', COALESCE(CONCAT(OCTET_LENGTH(CASE CAST(CAST(CONVERT(`code` USING utf8mb4) AS BINARY) AS BINARY) WHEN _utf8mb4 X'612762' THEN _utf8mb4 X'e6b4a5' ELSE CAST(CONVERT(`code` USING utf8mb4) AS BINARY) END), ':', CASE CAST(CAST(CONVERT(`code` USING utf8mb4) AS BINARY) AS BINARY) WHEN _utf8mb4 X'612762' THEN _utf8mb4 X'e6b4a5' ELSE CAST(CONVERT(`code` USING utf8mb4) AS BINARY) END), 'N'), ',', TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM ((CAST(`amount` AS DECIMAL(65, 2)) * 100) + 0))), ',', COALESCE((`num` + 0), 'N'), ',', COALESCE(`flag`, 'N'), ',', COALESCE(LOWER(HEX(`raw`)), 'N'), ',', COALESCE(`day`, 'N'), ',', COALESCE(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `clock`)), 'N'), ',', TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM DATE_SUB(`wall`, INTERVAL CASE WHEN `wall` >= '1991-09-15 02:00:00' THEN 28800 WHEN `wall` >= '1991-04-14 03:00:00' THEN 32400 WHEN `wall` >= '1990-09-16 02:00:00' THEN 28800 WHEN `wall` >= '1990-04-15 03:00:00' THEN 32400 WHEN `wall` >= '1989-09-17 02:00:00' THEN 28800 WHEN `wall` >= '1989-04-16 03:00:00' THEN 32400 WHEN `wall` >= '1988-09-11 02:00:00' THEN 28800 WHEN `wall` >= '1988-04-17 03:00:00' THEN 32400 WHEN `wall` >= '1987-09-13 02:00:00' THEN 28800 WHEN `wall` >= '1987-04-12 03:00:00' THEN 32400 WHEN `wall` >= '1986-09-14 02:00:00' THEN 28800 WHEN `wall` >= '1986-05-04 03:00:00' THEN 32400 WHEN `wall` >= '1949-05-28 00:00:00' THEN 28800 WHEN `wall` >= '1949-05-01 01:00:00' THEN 32400 WHEN `wall` >= '1948-10-01 00:00:00' THEN 28800 WHEN `wall` >= '1948-05-01 01:00:00' THEN 32400 WHEN `wall` >= '1947-11-01 00:00:00' THEN 28800 WHEN `wall` >= '1947-04-15 01:00:00' THEN 32400 WHEN `wall` >= '1946-10-01 00:00:00' THEN 28800 WHEN `wall` >= '1946-05-15 01:00:00' THEN 32400 WHEN `wall` >= '1945-09-02 00:00:00' THEN 28800 WHEN `wall` >= '1942-01-31 01:00:00' THEN 32400 WHEN `wall` >= '1941-11-02 00:00:00' THEN 28800 WHEN `wall` >= '1941-03-15 01:00:00' THEN 32400 WHEN `wall` >= '1940-10-13 00:00:00' THEN 28800 WHEN `wall` >= '1940-06-01 01:00:00' THEN 32400 WHEN `wall` >= '1919-10-01 00:00:00' THEN 28800 WHEN `wall` >= '1919-04-13 01:00:00' THEN 32400 WHEN `wall` >= '1901-01-01 00:00:00' THEN 28800 ELSE 29143 END SECOND))), ',', COALESCE(`at`, 'N'), ',', COALESCE(LPAD(BIN(`bits` + 0), 10, '0'), 'N'), ',', `ver`, ',', OCTET_LENGTH(CAST(CONVERT(`owner` USING utf8mb4) AS BINARY)), ':', CAST(CONVERT(`owner` USING utf8mb4) AS BINARY), ',')), 16), 16, 10) AS UNSIGNED)), 0) AS CHAR) FROM `shop`.`orders`;
