#!/bin/sh
# The roles and databases of README.md, "Roles and rights". The image runs it once, when it has
# made an empty server.
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set owner="$OWNER_PASSWORD" --set service="$SERVICE_PASSWORD" \
  --set datasets="$DATASETS_PASSWORD" --set visitor="$VISITOR_PASSWORD" <<'SQL'
CREATE ROLE tertulia_owner LOGIN PASSWORD :'owner';
CREATE ROLE tertulia LOGIN PASSWORD :'service';
CREATE DATABASE tertulia OWNER tertulia_owner;
CREATE ROLE tertulia_datasets LOGIN CREATEROLE PASSWORD :'datasets';
CREATE ROLE tertulia_datasets_visitor LOGIN PASSWORD :'visitor';
CREATE DATABASE tertulia_datasets OWNER tertulia_datasets;
REVOKE CONNECT, TEMPORARY ON DATABASE tertulia, tertulia_datasets, postgres, template1
  FROM PUBLIC;
GRANT CONNECT ON DATABASE tertulia_datasets TO tertulia_datasets_visitor;
\c tertulia
CREATE EXTENSION vector;
SQL
