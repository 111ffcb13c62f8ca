//! Schemas in which somebody has functions or operators of their own that a
//! statement could mean without knowing.

use tokio_postgres::{Row, types::Type};

use crate::{guard, session::Session};

/// With an argument that fits better, a function further back in the search path is
/// called in place of the server's own. Operators are not called by names that could
/// be listed, so any will do.
const SHADOWING: &str = "
    SELECT DISTINCT n.nspname::text COLLATE \"C\"
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
       AND (EXISTS (SELECT FROM pg_catalog.pg_proc p
                     WHERE p.pronamespace = n.oid AND p.proname = ANY ($1)
                       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                            WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                              AND d.objid = p.oid AND d.deptype = 'e'))
            OR EXISTS (SELECT FROM pg_catalog.pg_operator o
                        WHERE o.oprnamespace = n.oid
                          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                            WHERE d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
                              AND d.objid = o.oid AND d.deptype = 'e')))
     ORDER BY 1";

pub(super) async fn read(session: &Session) -> Result<Vec<Row>, tokio_postgres::Error> {
    let functions: Vec<&str> = guard::function_names().collect();
    session.client.query_typed(SHADOWING, &[(&functions, Type::NAME_ARRAY)]).await
}

pub(super) fn to_schemas(rows: &[Row]) -> Result<Vec<String>, tokio_postgres::Error> {
    rows.iter().map(|row| row.try_get(0)).collect()
}
