//! The store of data sets: tables imported from CSV, in a Postgres database of
//! their own. Each data set has a schema, and a login role that can read that
//! schema and do nothing else; both are named after the data set's id, so that
//! making and dropping them can be repeated.

mod copy;
mod csv;
mod header;
mod import;
mod infer;
mod ledger;
mod url;

use std::{fmt, sync::Arc};

use postgres_protocol::{
    escape::{escape_identifier, escape_literal},
    password::scram_sha_256,
};

pub use self::{
    import::{Import, Imported},
    ledger::Request,
};
use crate::{Error, Source, connect, egress::Egress, session::Session};

/// A role's name in Postgres.
const MAX_NAME_LEN: usize = 63;
/// Role memberships with INHERIT and SET options are Postgres 16's.
const MIN_VERSION: i32 = 160_000;

/// Taken by what changes roles and grants: Postgres fails, rather than waits,
/// when two transactions grant on the same database at once.
const LOCK: &str = "
    SET LOCAL lock_timeout = '10s';
    SELECT pg_advisory_xact_lock(hashtextextended('tertulia data sets', 0))";

/// The store, as one login reaches it; every operation has a connection of its own.
#[derive(Clone)]
pub struct DatasetStore {
    login: Arc<Source>,
}

impl fmt::Debug for DatasetStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatasetStore").field("login", &self.login).finish()
    }
}

impl DatasetStore {
    /// Reads the owner's `postgres://` URL and checks that its server answers and
    /// can hold data sets.
    ///
    /// The owner needs CREATEROLE, and to own the database.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let store = Self::look(url).await?;
        let session = store.open().await?;
        ledger::ensure(&session.client).await.map_err(Error::of_store)?;
        session.close().await;
        Ok(store)
    }

    /// The same for one who only needs the way to each data set: the role of the
    /// URL needs no right but CONNECT, and everything else fails.
    pub async fn look(url: &str) -> Result<Self, Error> {
        let store = Self { login: Arc::new(url::parse(url).await?) };
        let longest = store.role(i64::MIN);
        if longest.len() > MAX_NAME_LEN {
            let problem = "has too long a database name: roles are named after it".to_owned();
            return Err(Error::StoreUnfit { problem });
        }
        let session = store.open().await?;
        let version = "SELECT current_setting('server_version_num')::int4";
        let version = session.client.query_typed_one(version, &[]).await;
        let version: i32 = version.and_then(|row| row.try_get(0)).map_err(Error::of_store)?;
        if version < MIN_VERSION {
            return Err(Error::StoreUnfit { problem: "must be Postgres 16 or later".to_owned() });
        }
        session.close().await;
        Ok(store)
    }

    /// The way to one data set, as the role that can only read it.
    pub fn source(&self, id: i64, password: &str) -> Source {
        Source { user: self.role(id), password: password.to_owned(), ..Source::clone(&self.login) }
    }

    /// Makes a data set's schema and role, or gives an existing role the password.
    #[tracing::instrument(name = "dataset.ensure", skip_all, fields(data_source.id = id))]
    pub async fn ensure(&self, id: i64, password: &str) -> Result<(), Error> {
        let session = self.open().await?;
        self.make(&session, id, password).await.map_err(Error::of_store)?;
        session.close().await;
        Ok(())
    }

    async fn make(
        &self,
        session: &Session,
        id: i64,
        password: &str,
    ) -> Result<(), tokio_postgres::Error> {
        let client = &session.client;
        client.batch_execute(&format!("BEGIN; {LOCK}")).await?;
        let (role, schema) = (escape_identifier(&self.role(id)), schema(id));
        let database = escape_identifier(&self.login.database);
        // Hashed here, so that no log of statements ever holds the password.
        let password = escape_literal(&scram_sha_256(password.as_bytes()));
        let login = if self.has_role(session, id).await? {
            format!("ALTER ROLE {role} LOGIN PASSWORD {password}")
        } else {
            format!(
                "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
                     NOBYPASSRLS NOINHERIT PASSWORD {password}"
            )
        };
        client
            .batch_execute(&format!(
                "{login};
                 ALTER ROLE {role} SET default_transaction_read_only = on;
                 GRANT CONNECT ON DATABASE {database} TO {role};
                 CREATE SCHEMA IF NOT EXISTS {schema};
                 GRANT USAGE ON SCHEMA {schema} TO {role};
                 GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};
                 ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role};
                 COMMIT"
            ))
            .await
    }

    /// Drops a data set, whoever reads it; nothing happens if it is not there.
    #[tracing::instrument(name = "dataset.drop", skip_all, fields(data_source.id = id))]
    pub async fn drop(&self, id: i64) -> Result<(), Error> {
        let session = self.open().await?;
        self.lock_out(&session, id).await.map_err(Error::of_store)?;
        self.remove(&session, id).await.map_err(Error::of_store)?;
        session.close().await;
        Ok(())
    }

    /// Lets nobody log in any more, and ends the sessions that there are: their
    /// statements would hold locks on the tables.
    async fn lock_out(&self, session: &Session, id: i64) -> Result<(), tokio_postgres::Error> {
        let client = &session.client;
        client.batch_execute(&format!("BEGIN; {LOCK}")).await?;
        if self.has_role(session, id).await? {
            let role = escape_identifier(&self.role(id));
            // Whoever inherits a role may end its sessions and drop its grants.
            let statements = format!(
                "ALTER ROLE {role} NOLOGIN;
                 GRANT {role} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE"
            );
            client.batch_execute(&statements).await?;
        }
        let role = escape_literal(&self.role(id));
        let statements = format!(
            "COMMIT;
             SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = {role}"
        );
        client.batch_execute(&statements).await
    }

    async fn remove(&self, session: &Session, id: i64) -> Result<(), tokio_postgres::Error> {
        let client = &session.client;
        client.batch_execute(&format!("BEGIN; {LOCK}")).await?;
        client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", schema(id))).await?;
        if self.has_role(session, id).await? {
            let role = escape_identifier(&self.role(id));
            client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await?;
        }
        // Whoever imported until the schema was dropped has committed.
        ledger::forget(client, id).await?;
        client.batch_execute("COMMIT").await
    }

    async fn has_role(&self, session: &Session, id: i64) -> Result<bool, tokio_postgres::Error> {
        let role = escape_literal(&self.role(id));
        let question = format!("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = {role})");
        session.client.query_typed_one(&question, &[]).await?.try_get(0)
    }

    async fn open(&self) -> Result<Session, Error> {
        let session = connect::connect(&self.login, &Egress::default()).await?;
        session.budget().lift();
        Ok(session)
    }

    /// Carries the database's name, since roles belong to the whole server.
    fn role(&self, id: i64) -> String {
        format!("{}_ds_{id}", self.login.database)
    }
}

/// A data set's schema, as an identifier that needs no quotes.
fn schema(id: i64) -> String {
    format!("ds_{id}")
}
