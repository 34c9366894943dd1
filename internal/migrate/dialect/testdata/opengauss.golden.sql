-- make jindu_relay
CREATE TABLE "jindu_relay" ("stream" VARCHAR(128) NOT NULL, "position" TEXT NOT NULL, "at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY ("stream"));
-- make jindu_version
CREATE TABLE "jindu_version" ("tbl" VARCHAR(128) NOT NULL, "row_key" BYTEA NOT NULL, "version" BIGINT NOT NULL, "gone" BOOLEAN NOT NULL, PRIMARY KEY ("tbl", "row_key"));
-- make jindu_fence
CREATE TABLE "jindu_fence" ("migration" VARCHAR(128) NOT NULL, "epoch" BIGINT NOT NULL, "low" INT NOT NULL, "high" INT NOT NULL, PRIMARY KEY ("migration", "epoch"));
-- make jindu_outbox
CREATE TABLE "jindu_outbox" ("id" BIGSERIAL, "tbl" VARCHAR(128) NOT NULL, "op" CHAR(1) NOT NULL, "row_key" TEXT NOT NULL, "row_after" TEXT, "version" BIGINT NOT NULL, "mark" VARCHAR(64), "at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY ("id"));
-- make jindu_parked
CREATE TABLE "jindu_parked" ("stream" VARCHAR(128) NOT NULL, "id" VARCHAR(128) NOT NULL, "body" BYTEA NOT NULL, PRIMARY KEY ("stream", "id"));
-- lock row
;
-- columns
SELECT a.attname, COALESCE(u.typname, t.typname), pg_catalog.format_type(COALESCE(u.oid, t.oid), (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)), '', COALESCE(CASE WHEN l.collname = 'default' THEN b.datcollate ELSE l.collcollate END, ''),
 CASE WHEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) < 0 THEN 0 WHEN COALESCE(u.typname, t.typname) IN ('bit', 'varbit') THEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) WHEN COALESCE(u.typname, t.typname) IN ('bpchar', 'varchar', 'nvarchar2') THEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) - 4 ELSE 0 END,
 0,
 CASE WHEN COALESCE(u.typname, t.typname) = 'numeric' THEN CASE WHEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) < 0 THEN -1 ELSE ((CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) - 4) & 65535 END
  WHEN COALESCE(u.typname, t.typname) IN ('time', 'timestamp', 'timestamptz') THEN CASE WHEN (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) < 0 THEN 6 ELSE (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) END ELSE 0 END,
 NOT (a.attnotnull OR t.typnotnull), a.atthasdef, FALSE, FALSE, FALSE
FROM pg_catalog.pg_attribute a
 JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 LEFT JOIN pg_catalog.pg_type u ON u.oid = t.typbasetype AND t.typtype = 'd'
 LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
 JOIN pg_catalog.pg_database b ON b.datname = current_database()
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;
--   1: string "shop"."orders"
-- key
SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid
WHERE i.indrelid = $1::regclass AND i.indisprimary AND position(' ' || a.attnum || ' ' in ' ' || i.indkey::text || ' ') > 0
ORDER BY position(' ' || a.attnum || ' ' in ' ' || i.indkey::text || ' ');
-- position
SELECT "position" FROM "jindu_relay" WHERE "stream" = $1;
-- set position
MERGE INTO "jindu_relay" t USING (SELECT $1::text AS s, $2::text AS p) x ON (t."stream" = x.s) WHEN MATCHED THEN UPDATE SET "position" = x.p, "at" = clock_timestamp() WHEN NOT MATCHED THEN INSERT ("stream", "position", "at") VALUES (x.s, x.p, clock_timestamp());
-- fence
SELECT pg_advisory_xact_lock(7461626);
-- fence
SELECT "low", "high" FROM "jindu_fence" WHERE "migration" = $1 AND "epoch" = $2;
-- fence
INSERT INTO "jindu_fence" ("migration", "epoch", "low", "high") VALUES ($1, $2, $3, $4);
-- fence
DELETE FROM "jindu_fence" WHERE "migration" = $1 AND "epoch" > $2;
-- fence
SELECT pg_current_xlog_insert_location()::text;
-- fence
SELECT pg_advisory_xact_lock_shared(7461626);
-- fence
SELECT COALESCE(MAX("epoch"), 0) FROM "jindu_fence" WHERE "epoch" > $1 AND "low" <= $2 AND "high" > $2;
-- outbox
INSERT INTO "jindu_outbox" ("tbl", "op", "row_key", "row_after", "version") VALUES ($1, $2, $3, $4, $5);
-- lag
SELECT CASE WHEN pg_is_in_recovery() THEN COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END;
-- sum
SELECT COUNT(*), COALESCE(SUM(('x' || substr(md5("id"::text || ',' || octet_length("no"::text) || ':' || "no"::text || ',' || COALESCE(octet_length("code"::text) || ':' || "code"::text, 'N') || ',' || "amount"::text || ',' || COALESCE(CASE WHEN position('.' in "num"::text) > 0 THEN RTRIM(RTRIM("num"::text, '0'), '.') ELSE "num"::text END, 'N') || ',' || COALESCE("flag"::int::text, 'N') || ',' || COALESCE(encode("raw", 'hex'), 'N') || ',' || COALESCE("day"::text, 'N') || ',' || COALESCE("clock"::text, 'N') || ',' || "wall"::text || ',' || COALESCE(("at" AT TIME ZONE 'UTC')::text, 'N') || ',' || COALESCE("ref"::text, 'N') || ',' || COALESCE("bits"::text, 'N') || ',' || "ver"::text || ',' || octet_length("owner"::text) || ':' || "owner"::text || ','), 1, 16))::bit(64)::bigint), 0)::text FROM "shop"."orders" WHERE ("no"::text COLLATE "C" >= $1::text AND (("no"::text COLLATE "C" > $2::text) OR ("no"::text COLLATE "C" = $3::text AND "id" > $4::bigint))) AND ("no"::text COLLATE "C" <= $5::text AND (("no"::text COLLATE "C" < $6::text) OR ("no"::text COLLATE "C" = $7::text AND "id" <= $8::bigint)));
--   1: string ORD-1
--   2: string ORD-1
--   3: string ORD-1
--   4: string 4711
--   5: string ORD-9
--   6: string ORD-9
--   7: string ORD-9
--   8: string 4712
-- page
SELECT "id", "no"::text, "code"::text, "amount", "num", "flag", "raw", "day", "clock", "wall", "at", "ref", "bits", "ver", "owner"::text FROM "shop"."orders" WHERE ("no"::text COLLATE "C" >= $1::text AND (("no"::text COLLATE "C" > $2::text) OR ("no"::text COLLATE "C" = $3::text AND "id" > $4::bigint))) ORDER BY "no"::text COLLATE "C", "id" LIMIT 100;
--   1: string ORD-1
--   2: string ORD-1
--   3: string ORD-1
--   4: string 4711
-- boundary
SELECT "no"::text, "id" FROM "shop"."orders" WHERE ("no"::text COLLATE "C" <= $1::text AND (("no"::text COLLATE "C" < $2::text) OR ("no"::text COLLATE "C" = $3::text AND "id" <= $4::bigint))) ORDER BY "no"::text COLLATE "C", "id" LIMIT 1 OFFSET 999;
--   1: string ORD-9
--   2: string ORD-9
--   3: string ORD-9
--   4: string 4712
-- changed
SELECT "no"::text, "id" FROM "shop"."orders" WHERE ("no"::text COLLATE "C" >= $1::text AND (("no"::text COLLATE "C" > $2::text) OR ("no"::text COLLATE "C" = $3::text AND "id" > $4::bigint))) AND "wall" >= $5::timestamp AND "wall" < $6::timestamp ORDER BY "no"::text COLLATE "C", "id" LIMIT 10;
--   1: string ORD-1
--   2: string ORD-1
--   3: string ORD-1
--   4: string 4711
--   5: string 2026-11-23T10:11:12.5
--   6: string 2026-11-23T10:11:12.5
-- find
SELECT t."id", t."no"::text, t."code"::text, t."amount", t."num", t."flag", t."raw", t."day", t."clock", t."wall", t."at", t."ref", t."bits", t."ver", t."owner"::text FROM (SELECT unnest($1::text[]) AS "no", unnest($2::text[]) AS "id") x JOIN "shop"."orders" t ON t."no" = x."no"::text AND t."id" = x."id"::bigint FOR UPDATE OF t;
--   1: []string [ORD-1 ORD-9]
--   2: []string [4711 4712]
-- find one
SELECT t."no"::text, t."id" FROM (SELECT unnest($1::text[]) AS "no", unnest($2::text[]) AS "id") x JOIN "shop"."orders" t ON t."no" = x."no"::text AND t."id" = x."id"::bigint;
--   1: []string [ORD-1]
--   2: []string [4711]
-- insert
INSERT INTO "shop"."orders" ("id", "no", "code", "amount", "num", "flag", "raw", "day", "clock", "wall", "at", "ref", "bits", "ver", "owner") SELECT x."id"::bigint AS "id", x."no"::text AS "no", x."code"::text AS "code", x."amount"::numeric AS "amount", x."num"::numeric AS "num", x."flag"::boolean AS "flag", x."raw"::bytea AS "raw", x."day"::date AS "day", x."clock"::time AS "clock", x."wall"::timestamp AS "wall", x."at"::timestamptz AS "at", x."ref"::uuid AS "ref", x."bits"::bit varying AS "bits", x."ver"::bigint AS "ver", x."owner"::"Mood" AS "owner" FROM (SELECT unnest($1::text[]) AS "id", unnest($2::text[]) AS "no", unnest($3::text[]) AS "code", unnest($4::text[]) AS "amount", unnest($5::text[]) AS "num", unnest($6::text[]) AS "flag", unnest($7::text[]) AS "raw", unnest($8::text[]) AS "day", unnest($9::text[]) AS "clock", unnest($10::text[]) AS "wall", unnest($11::text[]) AS "at", unnest($12::text[]) AS "ref", unnest($13::text[]) AS "bits", unnest($14::text[]) AS "ver", unnest($15::text[]) AS "owner") x;
--   1: []string [4711 4711]
--   2: []string [ORD-1 ORD-1]
--   3: []string [ORD-1 NULL]
--   4: []string [12.5 12.5]
--   5: []string [12.5 NULL]
--   6: []string [true NULL]
--   7: []string [\x00ff NULL]
--   8: []string [2026-11-23 NULL]
--   9: []string [10:11:12 NULL]
--   10: []string [2026-11-23T10:11:12.5 2026-11-23T10:11:12.5]
--   11: []string [2026-11-23T10:11:12Z NULL]
--   12: []string [6ba7b810-9dad-11d1-80b4-00c04fd430c8 NULL]
--   13: []string [0000000101 NULL]
--   14: []string [4711 4711]
--   15: []string [ORD-1 ORD-1]
-- update
UPDATE "shop"."orders" t SET "amount" = x."amount"::numeric, "num" = x."num"::numeric, "flag" = x."flag"::boolean, "raw" = x."raw"::bytea, "day" = x."day"::date, "clock" = x."clock"::time, "wall" = x."wall"::timestamp, "at" = x."at"::timestamptz, "ref" = x."ref"::uuid, "bits" = x."bits"::bit varying, "ver" = x."ver"::bigint, "owner" = x."owner"::"Mood" FROM (SELECT unnest($1::text[]) AS "id", unnest($2::text[]) AS "no", unnest($3::text[]) AS "code", unnest($4::text[]) AS "amount", unnest($5::text[]) AS "num", unnest($6::text[]) AS "flag", unnest($7::text[]) AS "raw", unnest($8::text[]) AS "day", unnest($9::text[]) AS "clock", unnest($10::text[]) AS "wall", unnest($11::text[]) AS "at", unnest($12::text[]) AS "ref", unnest($13::text[]) AS "bits", unnest($14::text[]) AS "ver", unnest($15::text[]) AS "owner") x WHERE t."no" = x."no"::text AND t."id" = x."id"::bigint;
--   1: []string [4711 4711]
--   2: []string [ORD-1 ORD-1]
--   3: []string [ORD-1 NULL]
--   4: []string [12.5 12.5]
--   5: []string [12.5 NULL]
--   6: []string [true NULL]
--   7: []string [\x00ff NULL]
--   8: []string [2026-11-23 NULL]
--   9: []string [10:11:12 NULL]
--   10: []string [2026-11-23T10:11:12.5 2026-11-23T10:11:12.5]
--   11: []string [2026-11-23T10:11:12Z NULL]
--   12: []string [6ba7b810-9dad-11d1-80b4-00c04fd430c8 NULL]
--   13: []string [0000000101 NULL]
--   14: []string [4711 4711]
--   15: []string [ORD-1 ORD-1]
-- delete
DELETE FROM "shop"."orders" t USING (SELECT unnest($1::text[]) AS "no", unnest($2::text[]) AS "id") x WHERE t."no" = x."no"::text AND t."id" = x."id"::bigint;
--   1: []string [ORD-1 ORD-9]
--   2: []string [4711 4712]
-- note
MERGE INTO "jindu_version" t USING (SELECT x."tbl"::text AS "tbl", x."row_key"::bytea AS "row_key", x."version"::bigint AS "version", x."gone"::boolean AS "gone" FROM (SELECT unnest($1::text[]) AS "tbl", unnest($2::text[]) AS "row_key", unnest($3::text[]) AS "version", unnest($4::text[]) AS "gone") x) s ON (t."tbl" = s."tbl" AND t."row_key" = s."row_key") WHEN MATCHED THEN UPDATE SET "version" = s."version", "gone" = s."gone" WHEN NOT MATCHED THEN INSERT ("tbl", "row_key", "version", "gone") VALUES (s."tbl", s."row_key", s."version", s."gone");
--   1: []string [orders]
--   2: []string [\x00ff]
--   3: []string [7]
--   4: []string [true]
-- park
MERGE INTO "jindu_parked" t USING (SELECT x."stream"::text AS "stream", x."id"::text AS "id", x."body"::bytea AS "body" FROM (SELECT unnest($1::text[]) AS "stream", unnest($2::text[]) AS "id", unnest($3::text[]) AS "body") x) s ON (t."stream" = s."stream" AND t."id" = s."id") WHEN MATCHED THEN UPDATE SET "body" = s."body" WHEN NOT MATCHED THEN INSERT ("stream", "id", "body") VALUES (s."stream", s."id", s."body");
--   1: []string [s]
--   2: []string [1]
--   3: []string [\x00ff]
-- parked
SELECT "stream"::text, "id"::text, "body" FROM "jindu_parked" WHERE "stream" = $1::text AND "id"::text COLLATE "C" > $2::text ORDER BY "id"::text COLLATE "C" LIMIT 10;
--   1: string s
--   2: string 1
-- owned
SELECT "id", "no"::text, "code"::text, "amount", "num", "flag", "raw", "day", "clock", "wall", "at", "ref", "bits", "ver", "owner"::text FROM "shop"."orders" WHERE "owner" = $1::"Mood" LIMIT 100 FOR UPDATE;
--   1: string old
-- set owner
UPDATE "shop"."orders" t SET "owner" = $3::"Mood", "ver" = t."ver" + 1 FROM (SELECT unnest($1::text[]) AS "no", unnest($2::text[]) AS "id") x WHERE t."no" = x."no"::text AND t."id" = x."id"::bigint;
--   1: []string [ORD-1 ORD-9]
--   2: []string [4711 4712]
--   3: string new
-- mapped sum
SELECT COUNT(*), COALESCE(SUM(('x' || substr(md5("id"::text || ',' || octet_length("no"::text) || ':' || "no"::text || ',' || COALESCE(octet_length(CASE "code"::text WHEN 'a''b' THEN '津' ELSE "code"::text END) || ':' || CASE "code"::text WHEN 'a''b' THEN '津' ELSE "code"::text END, 'N') || ',' || RTRIM(RTRIM(("amount"::numeric * 100)::text, '0'), '.') || ',' || COALESCE(CASE WHEN position('.' in "num"::text) > 0 THEN RTRIM(RTRIM("num"::text, '0'), '.') ELSE "num"::text END, 'N') || ',' || COALESCE("flag"::int::text, 'N') || ',' || COALESCE(encode("raw", 'hex'), 'N') || ',' || COALESCE("day"::text, 'N') || ',' || COALESCE("clock"::text, 'N') || ',' || ("wall" - (CASE WHEN "wall" >= '1991-09-15 02:00:00' THEN 28800 WHEN "wall" >= '1991-04-14 03:00:00' THEN 32400 WHEN "wall" >= '1990-09-16 02:00:00' THEN 28800 WHEN "wall" >= '1990-04-15 03:00:00' THEN 32400 WHEN "wall" >= '1989-09-17 02:00:00' THEN 28800 WHEN "wall" >= '1989-04-16 03:00:00' THEN 32400 WHEN "wall" >= '1988-09-11 02:00:00' THEN 28800 WHEN "wall" >= '1988-04-17 03:00:00' THEN 32400 WHEN "wall" >= '1987-09-13 02:00:00' THEN 28800 WHEN "wall" >= '1987-04-12 03:00:00' THEN 32400 WHEN "wall" >= '1986-09-14 02:00:00' THEN 28800 WHEN "wall" >= '1986-05-04 03:00:00' THEN 32400 WHEN "wall" >= '1949-05-28 00:00:00' THEN 28800 WHEN "wall" >= '1949-05-01 01:00:00' THEN 32400 WHEN "wall" >= '1948-10-01 00:00:00' THEN 28800 WHEN "wall" >= '1948-05-01 01:00:00' THEN 32400 WHEN "wall" >= '1947-11-01 00:00:00' THEN 28800 WHEN "wall" >= '1947-04-15 01:00:00' THEN 32400 WHEN "wall" >= '1946-10-01 00:00:00' THEN 28800 WHEN "wall" >= '1946-05-15 01:00:00' THEN 32400 WHEN "wall" >= '1945-09-02 00:00:00' THEN 28800 WHEN "wall" >= '1942-01-31 01:00:00' THEN 32400 WHEN "wall" >= '1941-11-02 00:00:00' THEN 28800 WHEN "wall" >= '1941-03-15 01:00:00' THEN 32400 WHEN "wall" >= '1940-10-13 00:00:00' THEN 28800 WHEN "wall" >= '1940-06-01 01:00:00' THEN 32400 WHEN "wall" >= '1919-10-01 00:00:00' THEN 28800 WHEN "wall" >= '1919-04-13 01:00:00' THEN 32400 WHEN "wall" >= '1901-01-01 00:00:00' THEN 28800 ELSE 29143 END) * INTERVAL '1 second')::text || ',' || COALESCE(("at" AT TIME ZONE 'UTC')::text, 'N') || ',' || COALESCE("ref"::text, 'N') || ',' || COALESCE("bits"::text, 'N') || ',' || "ver"::text || ',' || octet_length("owner"::text) || ':' || "owner"::text || ','), 1, 16))::bit(64)::bigint), 0)::text FROM "shop"."orders";
