-- The roles and databases of the README's "Roles and rights"; run once, when the server is new.
\set owner `cat /run/secrets/tertulia/tertulia_owner`
\set service `cat /run/secrets/tertulia/tertulia`
\set datasets `cat /run/secrets/tertulia/tertulia_datasets`
\set visitor `cat /run/secrets/tertulia/tertulia_datasets_visitor`

CREATE ROLE tertulia_owner LOGIN PASSWORD :'owner';
CREATE ROLE tertulia LOGIN PASSWORD :'service';
CREATE DATABASE tertulia OWNER tertulia_owner;
CREATE ROLE tertulia_datasets LOGIN CREATEROLE PASSWORD :'datasets';
CREATE ROLE tertulia_datasets_visitor LOGIN PASSWORD :'visitor';
CREATE DATABASE tertulia_datasets OWNER tertulia_datasets;
REVOKE CONNECT, TEMPORARY ON DATABASE tertulia, tertulia_datasets, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE tertulia_datasets TO tertulia_datasets_visitor;
\c tertulia
CREATE EXTENSION vector;
