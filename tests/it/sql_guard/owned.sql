-- What the attacks are aimed at. The role owns all of it.

CREATE SCHEMA sales;
CREATE SCHEMA secret;
CREATE SEQUENCE sales.sq;
CREATE TABLE sales.orders (id int PRIMARY KEY, customer text, total numeric, created timestamptz);
INSERT INTO sales.orders
SELECT n, 'customer ' || n % 4, n * 10.5, TIMESTAMPTZ '2024-01-01 00:00+00' + n * INTERVAL '7 hours'
  FROM generate_series(1, 12) AS n;
CREATE TABLE secret.keys (id int, k text);
INSERT INTO secret.keys VALUES (1, 'the key to everything');
CREATE VIEW sales.hidden AS SELECT k FROM secret.keys;
CREATE TABLE sales.effects (at timestamptz DEFAULT clock_timestamp());

-- Any of these leaves a row, a number or a lock behind.
CREATE FUNCTION sales.bump() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    INSERT INTO sales.effects DEFAULT VALUES;
    SELECT pg_advisory_lock(42);
    SELECT nextval('sales.sq') $$;
CREATE FUNCTION sales.bump_row(sales.orders) RETURNS bigint LANGUAGE sql AS $$ SELECT sales.bump() $$;
CREATE FUNCTION sales.lower(varchar) RETURNS bigint LANGUAGE sql AS $$ SELECT sales.bump() $$;
CREATE FUNCTION sales.plus(int, int) RETURNS bigint LANGUAGE sql AS $$ SELECT sales.bump() $$;
CREATE OPERATOR sales.|+| (LEFTARG = int, RIGHTARG = int, FUNCTION = sales.plus);
CREATE FUNCTION sales.add(bigint, int) RETURNS bigint LANGUAGE sql AS $$ SELECT sales.bump() $$;
CREATE AGGREGATE sales.total_of(int) (SFUNC = sales.add, STYPE = bigint);
CREATE PROCEDURE sales.proc() LANGUAGE sql AS $$ DELETE FROM sales.orders $$;
CREATE COLLATION sales.mine FROM "C";
SELECT lo_create(4711);
