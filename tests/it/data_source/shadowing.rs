use data_source::Error;

use crate::harness::OtherDatabase;

use super::{LIMITS, pools};

#[tokio::test]
async fn a_function_of_someones_own_is_not_called_in_place_of_the_servers() {
    let database = OtherDatabase::create("").await;
    let setup = format!(
        "CREATE SCHEMA sales AUTHORIZATION {role};
        CREATE TABLE sales.orders (customer varchar);
        INSERT INTO sales.orders VALUES ('ACME');
        CREATE FUNCTION sales.lower(varchar) RETURNS text LANGUAGE sql AS
            $$ SELECT 'shadowed ' || pg_catalog.pg_advisory_lock(4711)::text $$;
        CREATE FUNCTION sales.equal(varchar, varchar) RETURNS boolean LANGUAGE sql AS
            $$ SELECT true $$;
        CREATE OPERATOR sales.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = sales.equal);
        GRANT SELECT ON sales.orders TO {role};",
        role = database.name
    );
    database.admin.batch_execute(&setup).await.expect("it can be created");
    let (pools, source) = (pools(), database.source());
    let schema = pools.introspect(&source).await.expect("it can be read");

    let sql = "SELECT lower(customer), customer = 'other'::varchar FROM sales.orders";
    let query = data_source::guard::check(sql, &schema).expect("it is a query");
    let rows = pools.query(&source, &schema, &query, &LIMITS).await.expect("it can be executed");

    assert_eq!(schema.shadowing, ["sales"]);
    assert_eq!(rows.rows, [[Some("acme".to_owned()), Some("false".to_owned())]]);
}

#[tokio::test]
async fn a_total_is_the_servers_or_an_extensions_and_nobody_elses() {
    let database = OtherDatabase::create("").await;
    let setup = format!(
        "CREATE EXTENSION vector SCHEMA public;
        CREATE SCHEMA sales;
        CREATE TABLE sales.orders (customer varchar, e public.vector(2));
        INSERT INTO sales.orders VALUES ('ACME', '[1,2]');
        CREATE TABLE public.items (n int);
        CREATE FUNCTION sales.first(text, varchar) RETURNS text LANGUAGE sql AS
            $$ SELECT pg_catalog.concat($1, $2) $$;
        CREATE AGGREGATE sales.sum(varchar) (SFUNC = sales.first, STYPE = text);
        GRANT USAGE ON SCHEMA sales, public TO {role};
        GRANT SELECT ON sales.orders, public.items TO {role};",
        role = database.name
    );
    database.admin.batch_execute(&setup).await.expect("it can be created");
    let (pools, source) = (pools(), database.source());
    let schema = pools.introspect(&source).await.expect("it can be read");
    let total = async |sql| {
        let query = data_source::guard::check(sql, &schema).expect("it is a query");
        assert!(query.is_aggregate(), "{sql}");
        pools.query(&source, &schema, &query, &LIMITS).await.map(|it| it.rows)
    };

    let of_extension = total("SELECT avg(e) FROM sales.orders").await;
    let of_someone = total("SELECT sum(customer) FROM sales.orders").await;

    assert_eq!(of_extension.expect("it is called"), [[Some("[1,2]".to_owned())]]);
    let Err(Error::Statement { sqlstate, .. }) = of_someone else { panic!("{of_someone:?}") };
    assert_eq!(sqlstate, "42883");
}

#[tokio::test]
async fn what_an_extension_or_a_trigger_has_put_there_shadows_nothing() {
    let database = OtherDatabase::create("").await;
    let setup = format!(
        "CREATE EXTENSION vector SCHEMA public;
        CREATE TYPE mood AS ENUM ('sad', 'happy');
        CREATE TABLE items (e vector(2), m mood);
        INSERT INTO items VALUES ('[1,2]', 'sad');
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
        GRANT SELECT ON items TO {}; GRANT USAGE ON SCHEMA public TO {0};",
        database.name
    );
    database.admin.batch_execute(&setup).await.expect("it can be created");
    let (pools, source) = (pools(), database.source());
    let schema = pools.introspect(&source).await.expect("it can be read");

    let sql = "SELECT e <-> '[1,2]' FROM items WHERE m = 'sad'";
    let query = data_source::guard::check(sql, &schema).expect("it is a query");
    let rows = pools.query(&source, &schema, &query, &LIMITS).await.expect("it can be executed");

    assert_eq!(schema.shadowing, Vec::<String>::new());
    assert_eq!(rows.rows, [[Some("0".to_owned())]]);
}
