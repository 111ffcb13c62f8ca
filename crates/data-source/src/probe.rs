//! What a login role is, and whether it could write.

use std::time::Duration;

use futures::future::try_join3;
use tokio::time::{Instant, timeout};
use tokio_postgres::Row;

use crate::{Error, Pools, Source, session::Session};

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: u64 = 256 * 1024;

/// What was found on logging in to a data source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub server_version: String,
    /// Of one question and its answer.
    pub latency: Duration,
    /// Whether the server's side of the connection is encrypted.
    pub encrypted: bool,
    pub is_superuser: bool,
    /// Whether anything at all could be written, by the role or by one that it can
    /// change to. Temporary tables do not count: they are the session's own.
    pub can_write: bool,
    /// Why: the first twenty reasons, such as `INSERT on public.orders`.
    pub writable: Vec<String>,
    pub can_create_temporary_tables: bool,
    /// How many tables and views can be read.
    pub tables: usize,
}

const ROLE: &str = "
    SELECT pg_catalog.current_setting('server_version'),
           coalesce((SELECT s.ssl FROM pg_catalog.pg_stat_ssl s
                      WHERE s.pid = pg_catalog.pg_backend_pid()), false),
           (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user),
           pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP'),
           (SELECT pg_catalog.count(*)
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
               AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
               AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
               AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))";

/// Whatever lets the role write, or one that it is a member of: it may inherit from
/// it, or change to it. A superuser is all of that and is told at once.
const WRITABLE: &str = "
    WITH role AS (
        SELECT r.* FROM pg_catalog.pg_roles r
         WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
           AND NOT (SELECT me.rolsuper FROM pg_catalog.pg_roles me WHERE me.rolname = current_user)
    ), relation AS (
        SELECT c.oid, c.relowner, c.relkind,
               pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
           AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    ), reason(place, reason) AS (
        SELECT 0, 'superuser' FROM pg_catalog.pg_roles r
         WHERE r.rolname = current_user AND r.rolsuper
        UNION ALL
        SELECT 1, pg_catalog.concat(attribute.name,
                   CASE WHEN r.rolname <> current_user THEN ' by way of role ' || r.rolname END)
          FROM role r
         CROSS JOIN LATERAL (VALUES (r.rolsuper, 'SUPERUSER'), (r.rolcreaterole, 'CREATEROLE'),
                                    (r.rolcreatedb, 'CREATEDB'), (r.rolreplication, 'REPLICATION'),
                                    (r.rolbypassrls, 'BYPASSRLS')) AS attribute(is_set, name)
         WHERE attribute.is_set
        UNION ALL
        SELECT 2, 'member of ' || r.rolname FROM role r
         WHERE r.rolname IN ('pg_write_all_data', 'pg_write_server_files',
                             'pg_execute_server_program', 'pg_read_server_files', 'pg_maintain',
                             'pg_create_subscription', 'pg_signal_backend')
        UNION ALL
        SELECT 3, 'owns database ' || pg_catalog.quote_ident(d.datname)
          FROM pg_catalog.pg_database d
         WHERE d.datname = pg_catalog.current_database() AND d.datdba IN (SELECT oid FROM role)
        UNION ALL
        SELECT 3, 'CREATE on database ' || pg_catalog.quote_ident(pg_catalog.current_database())
         WHERE EXISTS (SELECT FROM role r WHERE pg_catalog.has_database_privilege(
                           r.oid, pg_catalog.current_database(), 'CREATE'))
        UNION ALL
        SELECT 4, s.what || ' schema ' || pg_catalog.quote_ident(n.nspname)
          FROM pg_catalog.pg_namespace n
         CROSS JOIN LATERAL (
               SELECT 'owns' WHERE n.nspowner IN (SELECT oid FROM role)
               UNION ALL
               SELECT 'CREATE on' WHERE EXISTS (
                   SELECT FROM role r
                    WHERE pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE'))) AS s(what)
         WHERE n.nspname NOT LIKE 'pg\\_temp\\_%' AND n.nspname NOT LIKE 'pg\\_toast%'
        UNION ALL
        SELECT 5, 'owns ' || c.name FROM relation c WHERE c.relowner IN (SELECT oid FROM role)
        UNION ALL
        SELECT 6, p.privilege || ' on ' || c.name
          FROM relation c
         CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER'))
                 AS p(privilege)
         WHERE c.relkind <> 'S' AND EXISTS (
               SELECT FROM role r
                WHERE CASE WHEN p.privilege IN ('INSERT', 'UPDATE')
                           THEN pg_catalog.has_any_column_privilege(r.oid, c.oid, p.privilege)
                           ELSE pg_catalog.has_table_privilege(r.oid, c.oid, p.privilege) END)
        UNION ALL
        SELECT 7, p.privilege || ' on sequence ' || c.name
          FROM relation c CROSS JOIN (VALUES ('USAGE'), ('UPDATE')) AS p(privilege)
         WHERE CASE WHEN c.relkind = 'S' THEN EXISTS (
               SELECT FROM role r
                WHERE pg_catalog.has_sequence_privilege(r.oid, c.oid, p.privilege)) END
        UNION ALL
        SELECT 8, 'owns function ' || p.oid::pg_catalog.regprocedure::text
          FROM pg_catalog.pg_proc p WHERE p.proowner IN (SELECT oid FROM role)
        UNION ALL
        SELECT 9, 'owns or UPDATE on large object ' || l.oid
          FROM pg_catalog.pg_largeobject_metadata l
         WHERE l.lomowner IN (SELECT oid FROM role)
            OR EXISTS (SELECT FROM pg_catalog.aclexplode(l.lomacl) a
                        WHERE a.privilege_type = 'UPDATE'
                          AND (a.grantee = 0 OR a.grantee IN (SELECT oid FROM role)))
    )
    SELECT reason::text FROM reason ORDER BY place, reason COLLATE \"C\" LIMIT 20";

impl Pools {
    /// Logs in anew, and looks at what the role is and may do.
    #[tracing::instrument(name = "data_source.probe", skip_all)]
    pub async fn probe(&self, source: &Source) -> Result<Probe, Error> {
        let session = self.log_in(source).await?;
        session.budget().set(MAX_BYTES);
        let found = timeout(TIMEOUT, Box::pin(read(&session))).await;
        let probe = found.map_err(|_| Error::TimedOut)?.map_err(Error::of_statement)?;
        session.close().await;
        Ok(probe)
    }
}

async fn read(session: &Session) -> Result<Probe, tokio_postgres::Error> {
    let asked = Instant::now();
    session.client.query_typed("SELECT 1", &[]).await?;
    let latency = asked.elapsed();

    let begin = session.begin_reading("pg_catalog, pg_temp", TIMEOUT);
    let role = session.client.query_typed_one(ROLE, &[]);
    let writable = session.client.query_typed(WRITABLE, &[]);
    let ((), role, writable) = try_join3(begin, role, writable).await?;
    to_probe(latency, &role, &writable)
}

fn to_probe(
    latency: Duration,
    role: &Row,
    writable: &[Row],
) -> Result<Probe, tokio_postgres::Error> {
    let writable: Vec<String> =
        writable.iter().map(|it| it.try_get(0)).collect::<Result<_, _>>()?;
    Ok(Probe {
        server_version: role.try_get(0)?,
        latency,
        encrypted: role.try_get(1)?,
        is_superuser: role.try_get(2)?,
        can_write: !writable.is_empty(),
        writable,
        can_create_temporary_tables: role.try_get(3)?,
        tables: usize::try_from(role.try_get::<_, i64>(4)?).unwrap_or_default(),
    })
}
