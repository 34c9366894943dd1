-- make jindu_relay
CREATE TABLE "jindu_relay" ("stream" VARCHAR(128) NOT NULL, "position" TEXT NOT NULL, "at" TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6) NOT NULL, PRIMARY KEY ("stream"));
-- make jindu_version
CREATE TABLE "jindu_version" ("tbl" VARCHAR(128) NOT NULL, "row_key" VARBINARY(512) NOT NULL, "version" BIGINT NOT NULL, "gone" BIT NOT NULL, PRIMARY KEY ("tbl", "row_key"));
-- make jindu_fence
CREATE TABLE "jindu_fence" ("migration" VARCHAR(128) NOT NULL, "epoch" BIGINT NOT NULL, "low" INT NOT NULL, "high" INT NOT NULL, PRIMARY KEY ("migration", "epoch"));
-- make jindu_outbox
CREATE TABLE "jindu_outbox" ("id" BIGINT IDENTITY(1, 1), "tbl" VARCHAR(128) NOT NULL, "op" CHAR(1) NOT NULL, "row_key" TEXT NOT NULL, "row_after" TEXT, "version" BIGINT NOT NULL, "mark" VARCHAR(64), "at" TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6) NOT NULL, PRIMARY KEY ("id"));
-- make jindu_parked
CREATE TABLE "jindu_parked" ("stream" VARCHAR(128) NOT NULL, "id" VARCHAR(128) NOT NULL, "body" BLOB NOT NULL, PRIMARY KEY ("stream", "id"));
-- lock row
;
-- columns
SELECT c.column_name, c.data_type, c.data_type, '', '', COALESCE(c.data_length, 0), COALESCE(c.data_precision, 0), COALESCE(c.data_scale, 0),
 CASE c.nullable WHEN 'Y' THEN 1 ELSE 0 END, CASE WHEN c.data_default IS NULL THEN 0 ELSE 1 END, 0, 0, 0
FROM user_tab_columns c WHERE c.table_name = ? ORDER BY c.column_id;
--   1: string shop.orders
-- key
SELECT k.column_name FROM user_constraints u JOIN user_cons_columns k ON k.constraint_name = u.constraint_name
WHERE u.table_name = ? AND u.constraint_type = 'P' ORDER BY k.position;
-- position
SELECT "position" FROM "jindu_relay" WHERE "stream" = ?;
-- set position
MERGE INTO "jindu_relay" t USING (SELECT ? s, ? p FROM DUAL) x ON (t."stream" = x.s) WHEN MATCHED THEN UPDATE SET "position" = x.p, "at" = CURRENT_TIMESTAMP(6) WHEN NOT MATCHED THEN INSERT ("stream", "position", "at") VALUES (x.s, x.p, CURRENT_TIMESTAMP(6));
-- fence
LOCK TABLE "jindu_fence" IN EXCLUSIVE MODE;
-- fence
SELECT "low", "high" FROM "jindu_fence" WHERE "migration" = ? AND "epoch" = ?;
-- fence
INSERT INTO "jindu_fence" ("migration", "epoch", "low", "high") VALUES (?, ?, ?, ?);
-- fence
DELETE FROM "jindu_fence" WHERE "migration" = ? AND "epoch" > ?;
-- fence
;
-- fence
LOCK TABLE "jindu_fence" IN SHARE MODE;
-- fence
SELECT COALESCE(MAX("epoch"), 0) FROM "jindu_fence" WHERE "epoch" > ? AND "low" <= ? AND "high" > ?;
-- outbox
INSERT INTO "jindu_outbox" ("tbl", "op", "row_key", "row_after", "version") VALUES (?, ?, ?, ?, ?);
-- lag
SELECT 0 FROM DUAL;
-- sum
SELECT COUNT(*), TO_CHAR(COALESCE(SUM(TO_NUMBER(SUBSTR(RAWTOHEX(DBMS_CRYPTO.HASH(UTL_RAW.CAST_TO_RAW(CAST("ID" AS VARCHAR(20)) || ',' || LENGTHB("NO") || ':' || "NO" || ',' || CASE WHEN RTRIM("CODE", ' ') IS NULL THEN 'N' ELSE LENGTHB(RTRIM("CODE", ' ')) || ':' || RTRIM("CODE", ' ') END || ',' || TO_CHAR("AMOUNT", 'FM999999999999999990.00') || ',' || CASE WHEN RTRIM(RTRIM(TO_CHAR("NUM", 'FM999999999999999990.00000000000000000000'), '0'), '.') IS NULL THEN 'N' ELSE RTRIM(RTRIM(TO_CHAR("NUM", 'FM999999999999999990.00000000000000000000'), '0'), '.') END || ',' || CASE WHEN CAST("FLAG" AS VARCHAR(1)) IS NULL THEN 'N' ELSE CAST("FLAG" AS VARCHAR(1)) END || ',' || CASE WHEN LOWER(RAWTOHEX("RAW")) IS NULL THEN 'N' ELSE LOWER(RAWTOHEX("RAW")) END || ',' || CASE WHEN TO_CHAR("DAY", 'YYYY-MM-DD') IS NULL THEN 'N' ELSE TO_CHAR("DAY", 'YYYY-MM-DD') END || ',' || CASE WHEN TO_CHAR("CLOCK", 'HH24:MI:SS') IS NULL THEN 'N' ELSE TO_CHAR("CLOCK", 'HH24:MI:SS') END || ',' || RTRIM(RTRIM(TO_CHAR("WALL", 'YYYY-MM-DD HH24:MI:SS.FF6'), '0'), '.') || ',' || CASE WHEN TO_CHAR(SYS_EXTRACT_UTC("AT"), 'YYYY-MM-DD HH24:MI:SS') IS NULL THEN 'N' ELSE TO_CHAR(SYS_EXTRACT_UTC("AT"), 'YYYY-MM-DD HH24:MI:SS') END || ',' || CAST("VER" AS VARCHAR(20)) || ',' || LENGTHB("OWNER") || ':' || "OWNER" || ','), 2)), 1, 16), 'XXXXXXXXXXXXXXXX')), 0)) FROM "shop"."orders" WHERE ("NO" >= ? AND (("NO" > ?) OR ("NO" = ? AND "ID" > ?))) AND ("NO" <= ? AND (("NO" < ?) OR ("NO" = ? AND "ID" <= ?)));
--   1: string ORD-1
--   2: string ORD-1
--   3: string ORD-1
--   4: int64 4711
--   5: string ORD-9
--   6: string ORD-9
--   7: string ORD-9
--   8: int64 4712
-- page
SELECT "ID", "NO", "CODE", "AMOUNT", "NUM", "FLAG", "RAW", "DAY", "CLOCK", "WALL", "AT", "VER", "OWNER" FROM "shop"."orders" WHERE ("NO" >= ? AND (("NO" > ?) OR ("NO" = ? AND "ID" > ?))) ORDER BY "NO", "ID" LIMIT 100;
--   1: string ORD-1
--   2: string ORD-1
--   3: string ORD-1
--   4: int64 4711
-- boundary
SELECT "NO", "ID" FROM "shop"."orders" WHERE ("NO" <= ? AND (("NO" < ?) OR ("NO" = ? AND "ID" <= ?))) ORDER BY "NO", "ID" LIMIT 1 OFFSET 999;
--   1: string ORD-9
--   2: string ORD-9
--   3: string ORD-9
--   4: int64 4712
-- changed
SELECT "NO", "ID" FROM "shop"."orders" WHERE ("NO" >= ? AND (("NO" > ?) OR ("NO" = ? AND "ID" > ?))) AND "WALL" >= ? AND "WALL" < ? ORDER BY "NO", "ID" LIMIT 10;
--   1: string ORD-1
--   2: string ORD-1
--   3: string ORD-1
--   4: int64 4711
--   5: string 2026-11-23 10:11:12.5
--   6: string 2026-11-23 10:11:12.5
-- find
SELECT "ID", "NO", "CODE", "AMOUNT", "NUM", "FLAG", "RAW", "DAY", "CLOCK", "WALL", "AT", "VER", "OWNER" FROM "shop"."orders" WHERE ("NO" = ? AND "ID" = ?) OR ("NO" = ? AND "ID" = ?) FOR UPDATE;
--   1: string ORD-1
--   2: int64 4711
--   3: string ORD-9
--   4: int64 4712
-- find one
SELECT "NO", "ID" FROM "shop"."orders" WHERE "NO" = ? AND "ID" IN (?);
--   1: string ORD-1
--   2: int64 4711
-- insert
INSERT INTO "shop"."orders" ("ID", "NO", "CODE", "AMOUNT", "NUM", "FLAG", "RAW", "DAY", "CLOCK", "WALL", "AT", "VER", "OWNER") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
--   1: int64 4711
--   2: string ORD-1
--   3: string ORD-1
--   4: string 12.5
--   5: string 12.5
--   6: int64 1
--   7: []uint8 [0 255]
--   8: string 2026-11-23
--   9: string 10:11:12
--   10: string 2026-11-23 10:11:12.5
--   11: string 2026-11-23 10:11:12
--   12: int64 4711
--   13: string ORD-1
--   14: int64 4711
--   15: string ORD-1
--   16: <nil> <nil>
--   17: string 12.5
--   18: <nil> <nil>
--   19: <nil> <nil>
--   20: <nil> <nil>
--   21: <nil> <nil>
--   22: <nil> <nil>
--   23: string 2026-11-23 10:11:12.5
--   24: <nil> <nil>
--   25: int64 4711
--   26: string ORD-1
-- update
MERGE INTO "shop"."orders" t USING (SELECT ? "ID", ? "NO", ? "CODE", ? "AMOUNT", ? "NUM", ? "FLAG", ? "RAW", ? "DAY", ? "CLOCK", ? "WALL", CAST(? AS TIMESTAMP) "AT", ? "VER", ? "OWNER" FROM DUAL UNION ALL SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TIMESTAMP), ?, ? FROM DUAL) s ON (t."NO" = s."NO" AND t."ID" = s."ID") WHEN MATCHED THEN UPDATE SET "AMOUNT" = s."AMOUNT", "NUM" = s."NUM", "FLAG" = s."FLAG", "RAW" = s."RAW", "DAY" = s."DAY", "CLOCK" = s."CLOCK", "WALL" = s."WALL", "AT" = s."AT", "VER" = s."VER", "OWNER" = s."OWNER";
--   1: int64 4711
--   2: string ORD-1
--   3: string ORD-1
--   4: string 12.5
--   5: string 12.5
--   6: int64 1
--   7: []uint8 [0 255]
--   8: string 2026-11-23
--   9: string 10:11:12
--   10: string 2026-11-23 10:11:12.5
--   11: string 2026-11-23 10:11:12
--   12: int64 4711
--   13: string ORD-1
--   14: int64 4711
--   15: string ORD-1
--   16: <nil> <nil>
--   17: string 12.5
--   18: <nil> <nil>
--   19: <nil> <nil>
--   20: <nil> <nil>
--   21: <nil> <nil>
--   22: <nil> <nil>
--   23: string 2026-11-23 10:11:12.5
--   24: <nil> <nil>
--   25: int64 4711
--   26: string ORD-1
-- delete
DELETE FROM "shop"."orders" WHERE ("NO" = ? AND "ID" = ?) OR ("NO" = ? AND "ID" = ?);
--   1: string ORD-1
--   2: int64 4711
--   3: string ORD-9
--   4: int64 4712
-- note
MERGE INTO "jindu_version" t USING (SELECT ? "tbl", ? "row_key", ? "version", ? "gone" FROM DUAL) s ON (t."tbl" = s."tbl" AND t."row_key" = s."row_key") WHEN MATCHED THEN UPDATE SET "version" = s."version", "gone" = s."gone" WHEN NOT MATCHED THEN INSERT ("tbl", "row_key", "version", "gone") VALUES (s."tbl", s."row_key", s."version", s."gone");
--   1: string orders
--   2: []uint8 [0 255]
--   3: int64 7
--   4: int64 1
-- park
MERGE INTO "jindu_parked" t USING (SELECT ? "stream", ? "id", ? "body" FROM DUAL) s ON (t."stream" = s."stream" AND t."id" = s."id") WHEN MATCHED THEN UPDATE SET "body" = s."body" WHEN NOT MATCHED THEN INSERT ("stream", "id", "body") VALUES (s."stream", s."id", s."body");
--   1: string s
--   2: string 1
--   3: []uint8 [0 255]
-- parked
SELECT "stream", "id", "body" FROM "jindu_parked" WHERE "stream" = ? AND "id" > ? ORDER BY "id" LIMIT 10;
--   1: string s
--   2: string 1
-- owned
SELECT "ID", "NO", "CODE", "AMOUNT", "NUM", "FLAG", "RAW", "DAY", "CLOCK", "WALL", "AT", "VER", "OWNER" FROM "shop"."orders" WHERE "OWNER" = ? LIMIT 100 FOR UPDATE;
--   1: string old
-- set owner
UPDATE "shop"."orders" SET "OWNER" = ?, "VER" = "VER" + 1 WHERE ("NO" = ? AND "ID" = ?) OR ("NO" = ? AND "ID" = ?);
--   1: string new
--   2: string ORD-1
--   3: int64 4711
--   4: string ORD-9
--   5: int64 4712
-- mapped sum
SELECT COUNT(*), TO_CHAR(COALESCE(SUM(TO_NUMBER(SUBSTR(RAWTOHEX(DBMS_CRYPTO.HASH(UTL_RAW.CAST_TO_RAW(CAST("ID" AS VARCHAR(20)) || ',' || LENGTHB("NO") || ':' || "NO" || ',' || CASE WHEN CASE RTRIM("CODE", ' ') WHEN 'a''b' THEN '津' ELSE RTRIM("CODE", ' ') END IS NULL THEN 'N' ELSE LENGTHB(CASE RTRIM("CODE", ' ') WHEN 'a''b' THEN '津' ELSE RTRIM("CODE", ' ') END) || ':' || CASE RTRIM("CODE", ' ') WHEN 'a''b' THEN '津' ELSE RTRIM("CODE", ' ') END END || ',' || TO_CHAR("AMOUNT", 'FM999999999999999990.0000') || ',' || CASE WHEN RTRIM(RTRIM(TO_CHAR("NUM", 'FM999999999999999990.00000000000000000000'), '0'), '.') IS NULL THEN 'N' ELSE RTRIM(RTRIM(TO_CHAR("NUM", 'FM999999999999999990.00000000000000000000'), '0'), '.') END || ',' || CASE WHEN CAST("FLAG" AS VARCHAR(1)) IS NULL THEN 'N' ELSE CAST("FLAG" AS VARCHAR(1)) END || ',' || CASE WHEN LOWER(RAWTOHEX("RAW")) IS NULL THEN 'N' ELSE LOWER(RAWTOHEX("RAW")) END || ',' || CASE WHEN TO_CHAR("DAY", 'YYYY-MM-DD') IS NULL THEN 'N' ELSE TO_CHAR("DAY", 'YYYY-MM-DD') END || ',' || CASE WHEN TO_CHAR("CLOCK", 'HH24:MI:SS') IS NULL THEN 'N' ELSE TO_CHAR("CLOCK", 'HH24:MI:SS') END || ',' || RTRIM(RTRIM(TO_CHAR("WALL", 'YYYY-MM-DD HH24:MI:SS.FF6'), '0'), '.') || ',' || CASE WHEN TO_CHAR(SYS_EXTRACT_UTC("AT"), 'YYYY-MM-DD HH24:MI:SS') IS NULL THEN 'N' ELSE TO_CHAR(SYS_EXTRACT_UTC("AT"), 'YYYY-MM-DD HH24:MI:SS') END || ',' || CAST("VER" AS VARCHAR(20)) || ',' || LENGTHB("OWNER") || ':' || "OWNER" || ','), 2)), 1, 16), 'XXXXXXXXXXXXXXXX')), 0)) FROM "shop"."orders";
