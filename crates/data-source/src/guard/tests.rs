mod calls;
mod limits;
mod lists;
mod scoping;
mod shapes;

use super::{Refusal, check};
use crate::Schema;
use crate::schema::{Column, Kind, Table};

const SHOP: &[(&str, &str, &str)] = &[
    ("analytics", "visits", "id,day"),
    ("public", "items", "id,e"),
    ("sales", "orders", "id,customer,total,created"),
    ("shop", "categories", "id,parent_id,name"),
    ("shop", "customers", "id,name,email,country"),
    ("shop", "order_lines", "id,order_id,product_id,quantity,unit_price"),
    ("shop", "orders", "id,customer_id,status,total,created_at,details"),
    ("shop", "products", "id,name,category,price,tags"),
    ("shop", "user", "id,Full Name"),
];

/// The tables of SHOP, but those of the schemas that are left out.
fn shop(without: &[&str]) -> Schema {
    let tables = SHOP.iter().filter(|(schema, ..)| !without.contains(schema));
    Schema {
        tables: tables.map(|&(schema, name, columns)| table(schema, name, columns)).collect(),
        ..Schema::default()
    }
}

fn table(schema: &str, name: &str, columns: &str) -> Table {
    let column = |name: &str| Column {
        name: name.to_owned(),
        type_name: if name == "status" { "shop.order_status" } else { "text" }.to_owned(),
        kind: Kind::Other,
        nullable: true,
        ..Column::default()
    };
    Table {
        schema: schema.to_owned(),
        name: name.to_owned(),
        columns: columns.split(',').map(column).collect(),
        ..Table::default()
    }
}

/// The category and the statement of each line.
fn lines(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| line.split_once('\t'))
}

#[track_caller]
fn accepts(sql: &str) {
    if let Err(refusal) = check(sql, &shop(&[])) {
        panic!("{sql}\n{refusal}");
    }
}

#[track_caller]
fn prints(sql: &str, expected: &str) {
    let query = check(sql, &shop(&[])).map(|query| query.as_str().to_owned());
    assert_eq!(query.as_deref(), Ok(expected));
}

#[track_caller]
fn refuses(sql: &str, reason: &str, part_of_message: &str) {
    match check(sql, &shop(&[])) {
        Ok(query) => panic!("accepted: {}", query.as_str()),
        Err(refusal) => {
            assert_eq!(refusal.reason(), reason, "{sql}: {refusal}");
            assert!(refusal.to_string().contains(part_of_message), "{refusal}");
        }
    }
}

const TABLE: &str = "SQL_TABLE_NOT_ALLOWED";
const FUNCTION: &str = "SQL_FUNCTION_NOT_ALLOWED";
const CONSTRUCT: &str = "SQL_CONSTRUCT_NOT_ALLOWED";
const NOT_A_QUERY: &str = "SQL_NOT_A_QUERY";
