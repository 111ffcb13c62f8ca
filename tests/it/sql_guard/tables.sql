-- Tables in the shapes of the public text-to-SQL benchmarks. Their rows are computed:
-- the same on every server, with NULLs, ties and empty groups among them.

CREATE SCHEMA school;

CREATE TABLE school.schools (
    "CDSCode" text PRIMARY KEY,
    county text NOT NULL,
    district text,
    school text,
    "StatusType" text,
    city text,
    zip varchar(10),
    phone text,
    latitude double precision,
    longitude double precision,
    "OpenDate" date,
    "ClosedDate" date,
    "GSoffered" varchar(8),
    virtual char(1),
    magnet smallint
);
INSERT INTO school.schools
SELECT 'CDS' || lpad(n::text, 4, '0'),
       (ARRAY['Alameda', 'Fresno', 'Los Angeles', 'San Joaquin'])[1 + n % 4],
       CASE WHEN n % 9 <> 0 THEN 'District ' || n % 6 END,
       'School ' || chr(64 + n % 26 + 1) || n,
       (ARRAY['Active', 'Closed', 'Merged'])[1 + n % 3],
       (ARRAY['Oakland', 'Fresno', 'Los Angeles', 'Stockton'])[1 + n % 4],
       (90000 + n * 37)::text || CASE WHEN n % 2 = 0 THEN '-1234' ELSE '' END,
       CASE WHEN n % 5 <> 0 THEN format('(5%s0) 555-%s', n % 10, 1000 + n) END,
       33 + n / 10.0,
       -117 - n / 8.0,
       DATE '1980-03-01' + n * 217,
       CASE WHEN n % 3 = 1 THEN DATE '2005-06-30' + n * 31 END,
       (ARRAY['K-5', 'K-8', '9-12', 'P-6'])[1 + n % 4],
       (ARRAY['F', 'N', 'P'])[1 + n % 3],
       n % 2
  FROM generate_series(1, 40) AS n;

CREATE TABLE school.frpm (
    "CDSCode" text PRIMARY KEY REFERENCES school.schools,
    "Academic Year" text,
    "County Name" text,
    "School Name" text,
    "Charter School (Y/N)" integer,
    "Low Grade" text,
    "Enrollment (K-12)" double precision,
    "Free Meal Count (K-12)" double precision,
    "Percent (%) Eligible Free (K-12)" double precision,
    "FRPM Count (Ages 5-17)" double precision,
    "2013-14 CALPADS Fall 1 Certification Status" integer
);
INSERT INTO school.frpm
SELECT 'CDS' || lpad(n::text, 4, '0'), '2014-2015',
       (ARRAY['Alameda', 'Fresno', 'Los Angeles', 'San Joaquin'])[1 + n % 4],
       'School ' || chr(64 + n % 26 + 1) || n,
       CASE WHEN n % 7 <> 0 THEN n % 2 END, (ARRAY['K', '9', 'P'])[1 + n % 3],
       100 + n * 13, 20 + n * 7 % 90, (20 + n * 7 % 90) / (100.0 + n * 13),
       CASE WHEN n % 4 <> 0 THEN n * 5 END, 1
  FROM generate_series(1, 36) AS n;

CREATE TABLE school.satscores (
    cds text PRIMARY KEY,
    sname text,
    cname text,
    "NumTstTakr" integer NOT NULL,
    "AvgScrRead" integer,
    "AvgScrMath" integer,
    "NumGE1500" integer
);
INSERT INTO school.satscores
SELECT 'CDS' || lpad(n::text, 4, '0'), CASE WHEN n % 6 <> 0 THEN 'School ' || n END,
       (ARRAY['Alameda', 'Fresno', 'Los Angeles', 'San Joaquin'])[1 + n % 4],
       n * 11 % 70, CASE WHEN n % 8 <> 0 THEN 400 + n * 17 % 220 END,
       CASE WHEN n % 8 <> 0 THEN 390 + n * 29 % 240 END, CASE WHEN n % 8 <> 0 THEN n * 3 % 40 END
  FROM generate_series(1, 38) AS n;

CREATE SCHEMA store;

CREATE TYPE store.order_status AS ENUM ('open', 'paid', 'shipped', 'cancelled');
CREATE DOMAIN store.email AS text CHECK (VALUE LIKE '%@%');

CREATE TABLE store.customers (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    email store.email,
    country char(2),
    birth_date date,
    joined_at timestamptz NOT NULL,
    vip boolean DEFAULT false,
    "Full Address" text,
    referrer_id bigint REFERENCES store.customers
);
INSERT INTO store.customers
SELECT n, (ARRAY['Ana', 'Bruno', 'Célia', 'Duarte', 'Eva', 'O''Neil'])[1 + n % 6] || ' ' || n,
       CASE WHEN n % 5 <> 0 THEN 'user' || n || '@' || (ARRAY['mail.pt', 'corp.com', 'x.org'])[1 + n % 3] END,
       (ARRAY['PT', 'ES', 'BR', 'FR'])[1 + n % 4], DATE '1960-01-15' + n * 401,
       TIMESTAMPTZ '2022-01-01 08:30:00+00' + n * INTERVAL '11 days 3 hours',
       CASE n % 4 WHEN 0 THEN NULL ELSE n % 4 = 1 END,
       format('%s Main St; Apt %s', n, n % 3), NULLIF(n / 3, 0)
  FROM generate_series(1, 30) AS n;

CREATE TABLE store.products (
    id integer PRIMARY KEY,
    name varchar(60) NOT NULL,
    category text,
    price numeric(10, 2),
    weight real,
    tags text[],
    sizes integer[],
    attributes jsonb,
    sku uuid,
    added date,
    "order" integer
);
INSERT INTO store.products
SELECT n, (ARRAY['Desk', 'Chair', 'Lamp', 'Shelf'])[1 + n % 4] || ' ' || n,
       CASE WHEN n % 7 <> 0 THEN (ARRAY['office', 'home', 'garden'])[1 + n % 3] END,
       CASE WHEN n % 6 <> 0 THEN n * 12.35 END, n * 1.5::real,
       CASE WHEN n % 4 <> 3 THEN (ARRAY['new', 'sale', 'eco'])[1 : n % 4] END, ARRAY[n, n * 2, NULL],
       jsonb_build_object('color', (ARRAY['red', 'blue'])[1 + n % 2], 'stock', n * 3,
                          'dims', jsonb_build_object('w', n, 'h', n + 2),
                          'parts', jsonb_build_array(jsonb_build_object('sku', 'p' || n, 'qty', n % 3))),
       md5(n::text)::uuid, DATE '2021-05-01' + n * 20, n % 5
  FROM generate_series(1, 20) AS n;

CREATE TABLE store.orders (
    id bigint PRIMARY KEY,
    customer_id bigint REFERENCES store.customers,
    status store.order_status NOT NULL,
    ordered_at timestamp NOT NULL,
    shipped_at timestamptz,
    total numeric(12, 2),
    discount double precision,
    shipping_time interval,
    note text,
    receipt bytea,
    delivery tsrange
);
INSERT INTO store.orders
SELECT n, 1 + n * 7 % 27, (ARRAY['open', 'paid', 'shipped', 'cancelled'])[1 + n % 4]::store.order_status,
       TIMESTAMP '2023-01-01 10:00' + n * INTERVAL '61 hours',
       CASE WHEN n % 4 = 2 THEN TIMESTAMPTZ '2023-01-04 12:00+00' + n * INTERVAL '61 hours' END,
       CASE WHEN n % 10 <> 0 THEN (n * 173 % 500)::numeric + n / 100.0 END, n % 4 / 10.0::float8,
       CASE WHEN n % 3 = 0 THEN n * INTERVAL '5 hours 30 minutes' END,
       CASE n % 5 WHEN 0 THEN 'gift 100%' WHEN 1 THEN 'call_first' END,
       CASE WHEN n % 6 = 0 THEN decode(md5(n::text), 'hex') END,
       tsrange(TIMESTAMP '2023-01-02' + n * INTERVAL '2 days', TIMESTAMP '2023-01-05' + n * INTERVAL '2 days')
  FROM generate_series(1, 80) AS n;

CREATE TABLE store.order_lines (
    order_id bigint REFERENCES store.orders,
    line smallint,
    product_id integer REFERENCES store.products,
    quantity integer,
    unit_price money,
    PRIMARY KEY (order_id, line)
);
INSERT INTO store.order_lines
SELECT n, l, 1 + (n * 3 + l) % 18, 1 + (n + l) % 5, (n * l * 1.25)::numeric::money
  FROM generate_series(1, 80) AS n, generate_series(1, 3) AS l
 WHERE (n + l) % 4 <> 0;

CREATE TABLE store.categories (id integer PRIMARY KEY, parent_id integer, name text, level integer);
INSERT INTO store.categories VALUES
    (1, NULL, 'all', 0), (2, 1, 'office', 1), (3, 1, 'home', 1), (4, 2, 'chairs', 2), (5, 4, 'stools', 3);

CREATE SCHEMA racing;

CREATE TABLE racing.circuits ("circuitId" integer PRIMARY KEY, name text, country text, lat real, lng real, url text);
INSERT INTO racing.circuits
SELECT n, 'Circuit ' || n, (ARRAY['Italy', 'Spain', 'Brazil'])[1 + n % 3], n * 4.5, n * -3.25, 'http://c.example/' || n
  FROM generate_series(1, 9) AS n;

CREATE TABLE racing.races (
    "raceId" integer PRIMARY KEY, year integer, round integer,
    "circuitId" integer REFERENCES racing.circuits, name text, date date, time text
);
INSERT INTO racing.races
SELECT n, 2007 + n / 6, 1 + n % 6, 1 + n % 9, 'Grand Prix ' || n % 9, DATE '2008-03-16' + n * 29,
       CASE WHEN n % 3 <> 0 THEN '14:00:00' END
  FROM generate_series(1, 24) AS n;

CREATE TABLE racing.drivers (
    "driverId" integer PRIMARY KEY, "driverRef" text, number integer, code char(3),
    forename text, surname text, dob date, nationality text
);
INSERT INTO racing.drivers
SELECT n, 'driver_' || n, NULLIF(n % 5, 0) * 11, upper(left(md5(n::text), 3)), 'F' || n, 'S' || n % 7,
       DATE '1975-02-28' + n * 333, (ARRAY['Italian', 'Spanish', 'Brazilian', 'French'])[1 + n % 4]
  FROM generate_series(1, 12) AS n;

CREATE TABLE racing.results (
    "resultId" integer PRIMARY KEY, "raceId" integer, "driverId" integer, grid integer, position integer,
    points real, laps integer, time text, milliseconds bigint, rank integer, "fastestLapTime" text,
    "fastestLapSpeed" text
);
INSERT INTO racing.results
SELECT r * 20 + d, r, d, 1 + (d * 5 + r) % 12, CASE WHEN (r + d) % 5 <> 0 THEN 1 + (d * 7 + r) % 12 END,
       GREATEST(0, 11 - (d * 7 + r) % 12) / 2, 50 + (r + d) % 20,
       CASE WHEN (r + d) % 5 <> 0 THEN format('1:%s:%s.%s', 20 + d, lpad((r * 7 % 60)::text, 2, '0'), lpad((d * r % 1000)::text, 3, '0')) END,
       5000000 + r * 1000 + d, d,
       format('1:%s.%s', 10 + (r + d) % 40, lpad((d * 37 % 1000)::text, 3, '0')), (180 + (r * d) % 50)::text
  FROM generate_series(1, 24) AS r, generate_series(1, 12) AS d
 WHERE (r * d) % 7 <> 0 OR d = 7;

CREATE SCHEMA clinic;

CREATE TABLE clinic."Patient" (
    "ID" integer PRIMARY KEY, "SEX" text, "Birthday" date, "Description" date, "First Date" date,
    "Admission" text, "Diagnosis" text
);
INSERT INTO clinic."Patient"
SELECT n, (ARRAY['F', 'M'])[1 + n % 2], DATE '1935-07-04' + n * 700, DATE '1994-02-14' + n, DATE '1990-01-01' + n * 60,
       (ARRAY['+', '-', ''])[1 + n % 3], (ARRAY['SLE', 'RA', 'SJS', 'RA, SJS'])[1 + n % 4]
  FROM generate_series(1, 25) AS n;

CREATE TABLE clinic."Laboratory" (
    "ID" integer, "Date" date, "GOT" integer, "T-BIL" double precision, "T-CHO" integer, "U-PRO" text,
    "aCL IgG" numeric, PRIMARY KEY ("ID", "Date")
);
INSERT INTO clinic."Laboratory"
SELECT n, DATE '1995-01-31' + m * 45 + n, 15 + (n * m) % 60, CASE WHEN n % 4 <> 0 THEN (n + m) / 10.0 END, 120 + n * m % 150,
       (ARRAY['-', '30', 'TR', '100'])[1 + (n + m) % 4], CASE WHEN m = 2 THEN n / 3.0 END
  FROM generate_series(1, 25) AS n, generate_series(1, 4) AS m;

CREATE TABLE clinic.bond (bond_id text PRIMARY KEY, molecule_id text, bond_type text);
INSERT INTO clinic.bond
SELECT format('TR%s_%s_%s', m, b, b + 1), 'TR' || m, (ARRAY['-', '=', '#', NULL])[1 + (m + b) % 4]
  FROM generate_series(0, 5) AS m, generate_series(1, 4) AS b;

-- What the public lists of statements read.
CREATE EXTENSION vector SCHEMA public;
CREATE SCHEMA sales;
CREATE TABLE sales.orders (id int PRIMARY KEY, customer text, total numeric, created timestamptz);
INSERT INTO sales.orders
SELECT n, 'customer ' || n % 4, n * 10.5, TIMESTAMPTZ '2024-01-01 00:00+00' + n * INTERVAL '7 hours'
  FROM generate_series(1, 12) AS n;
CREATE TABLE public.items (id int PRIMARY KEY, e vector(3));
INSERT INTO public.items SELECT n, ARRAY[n, n * 2, 3]::vector FROM generate_series(1, 8) AS n;
