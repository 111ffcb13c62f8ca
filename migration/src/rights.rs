//! What the services may do: change rows, and nothing else about the database.

use sea_orm_migration::sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement,
};

/// One statement a row, for whatever the migrations have made by now. Identity columns
/// need no right on their sequences, and functions are for everyone.
const GRANTS: &str = "
    SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), $1::text)
    UNION ALL
    SELECT format('GRANT USAGE ON SCHEMA public TO %I', $1::text)
    UNION ALL
    -- They wait for what they need.
    SELECT format('GRANT SELECT ON seaql_migrations TO %I', $1::text)
    UNION ALL
    SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', oid::regclass, $1::text)
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
       AND relname <> 'seaql_migrations'
       -- Those of an extension are not ours.
       AND NOT EXISTS (
           SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
       )";

/// Grants a role all of them or none.
pub(crate) async fn grant(db: &DatabaseConnection, role: &str) -> Result<(), DbErr> {
    let query = Statement::from_sql_and_values(DbBackend::Postgres, GRANTS, [role.into()]);
    let rows = db.query_all_raw(query).await?;
    let grants: Result<Vec<String>, DbErr> =
        rows.iter().map(|row| row.try_get_by_index(0)).collect();
    db.execute_unprepared(&grants?.join(";")).await?;
    Ok(())
}
