//! A CSV file becomes a table: all of it, or nothing.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
};

use postgres_protocol::escape::{escape_identifier, escape_literal};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio_postgres::error::SqlState;

use super::{
    DatasetStore, MAX_NAME_LEN, copy,
    csv::{Reader, Record},
    header,
    infer::{DataType, Inference},
    ledger::{self, Request},
    schema,
};
use crate::{
    Error,
    schema::{Column, Table},
    session::Session,
};

/// The transaction is idle while the file is read. If this machine is lost then, it
/// must end soon: it holds the request's id.
const BEGIN: &str = "
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL tcp_keepalives_idle = 30;
    SET LOCAL tcp_keepalives_interval = 10;
    SET LOCAL tcp_keepalives_count = 3";

/// What to import, and how to read it.
#[derive(Debug)]
pub struct Import {
    /// The table's name, taken as it is.
    pub table: String,
    pub delimiter: u8,
    /// Fields that mean NULL; compared whole, after quotes are taken off.
    pub null_markers: Vec<String>,
    /// Whether a table of that name may be replaced.
    pub replace: bool,
    /// Given, the same request imports once, however often it is made.
    pub request: Option<Request>,
    /// The whole CSV. It is read twice: to find the types, and to copy.
    pub file: File,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    pub table: Table,
    pub row_count: u64,
}

/// A file that was read once and has nothing wrong.
pub(super) struct Checked {
    pub(super) file: File,
    pub(super) delimiter: u8,
    pub(super) null_markers: Vec<String>,
    pub(super) columns: Vec<(String, DataType)>,
}

impl DatasetStore {
    /// Makes a table out of a CSV file, with types that fit all of its rows.
    ///
    /// The data set must have been made with [`ensure`](Self::ensure).
    #[tracing::instrument(name = "dataset.import", skip_all, fields(data_source.id = id))]
    pub async fn import(&self, id: i64, import: Import) -> Result<Imported, Error> {
        check_name(&import.table)?;
        let session = self.open().await?;
        let imported = Box::pin(import_once(&session, id, import)).await?;
        session.close().await;
        Ok(imported)
    }
}

/// Imports in one transaction, or gives the outcome of the same request before.
async fn import_once(session: &Session, id: i64, import: Import) -> Result<Imported, Error> {
    let client = &session.client;
    client.batch_execute(BEGIN).await.map_err(Error::of_store)?;
    let request = import.request;
    if let Some(request) = &request
        && let Some(before) = ledger::claim(client, id, request).await?
    {
        return Ok(before);
    }

    let target = Target::new(id, &import);
    let checked = spawn_blocking(move || check(import));
    // What a panic says may be what is in the rows.
    let checked = checked.await.map_err(|_| Error::Store("checking a CSV panicked".into()))??;
    let columns = checked.columns.iter().map(to_column).collect();
    let staging = target.staging(session).await.map_err(Error::of_store)?;
    let row_count = target.fill(session, &staging, checked).await?;
    let (schema, name) = (target.schema.clone(), target.table.clone());
    let imported =
        Imported { table: Table { schema, name, columns, ..Table::default() }, row_count };
    if let Some(request) = &request {
        ledger::record(client, id, request, &imported).await.map_err(Error::of_store)?;
    }
    client.batch_execute(&target.finish(&staging)).await.map_err(of_name)?;
    Ok(imported)
}

fn check_name(name: &str) -> Result<(), Error> {
    let problem = match name {
        "" => "must not be empty",
        _ if name.len() > MAX_NAME_LEN => "must not be longer than 63 bytes",
        _ if name.contains('\0') => "must not hold a NUL byte",
        _ => return Ok(()),
    };
    Err(Error::TableName { problem })
}

/// Reads the whole file and finds the columns' names and types.
fn check(import: Import) -> Result<Checked, Error> {
    let Import { delimiter, null_markers, mut file, .. } = import;
    rewind(&mut file)?;
    let mut reader = Reader::new(&file, delimiter)?;
    let mut record = Record::default();
    if !reader.read(&mut record)? {
        return Err(Error::Csv { line: 1, problem: "the file is empty".to_owned() });
    }

    let names = header::names(&record)?;
    let mut inferences = vec![Inference::default(); names.len()];
    while reader.read(&mut record)? {
        if record.len() != names.len() {
            let problem = format!("has {} fields instead of {}", record.len(), names.len());
            return Err(Error::Csv { line: record.line, problem });
        }
        for (field, inference) in record.fields().zip(&mut inferences) {
            if !null_markers.iter().any(|marker| marker == field) {
                inference.observe(field);
            }
        }
    }

    let types = inferences.iter().map(Inference::finish);
    let columns = names.into_iter().zip(types).collect();
    Ok(Checked { file, delimiter, null_markers, columns })
}

pub(super) fn rewind(file: &mut File) -> Result<(), Error> {
    file.seek(SeekFrom::Start(0)).map_err(|error| Error::Store(error.into()))?;
    Ok(())
}

fn to_column((name, data_type): &(String, DataType)) -> Column {
    Column {
        name: name.clone(),
        type_name: data_type.name().to_owned(),
        kind: data_type.kind(),
        nullable: true,
        ..Column::default()
    }
}

/// Where the rows go.
struct Target {
    schema: String,
    table: String,
    replace: bool,
}

impl Target {
    fn new(id: i64, import: &Import) -> Self {
        Self { schema: schema(id), table: import.table.clone(), replace: import.replace }
    }

    /// Fills a new table under a name of its own, so that a table that is replaced
    /// can be read until the end.
    async fn fill(&self, session: &Session, staging: &str, checked: Checked) -> Result<u64, Error> {
        let client = &session.client;
        let limit = "SET LOCAL lock_timeout = '10s'";
        client.batch_execute(limit).await.map_err(Error::of_store)?;
        if !self.replace && self.exists(session).await.map_err(Error::of_store)? {
            return Err(Error::TableExists);
        }
        let create = format!("CREATE TABLE {staging} ({})", definitions(&checked.columns));
        client.batch_execute(&create).await.map_err(Error::of_store)?;
        copy::copy(client, staging, checked).await
    }

    async fn exists(&self, session: &Session) -> Result<bool, tokio_postgres::Error> {
        let question = format!(
            "SELECT EXISTS (SELECT FROM pg_class
                             WHERE relnamespace = {}::regnamespace AND relname = {})",
            escape_literal(&self.schema),
            escape_literal(&self.table),
        );
        session.client.query_typed_one(&question, &[]).await?.try_get(0)
    }

    /// The new table's first name: the session's alone.
    async fn staging(&self, session: &Session) -> Result<String, tokio_postgres::Error> {
        let pid = session.client.query_typed_one("SELECT pg_backend_pid()", &[]).await?;
        let pid: i32 = pid.try_get(0)?;
        Ok(format!("{}.{}", self.schema, escape_identifier(&format!("import {pid}"))))
    }

    /// Gives the new table its right name, and commits.
    fn finish(&self, staging: &str) -> String {
        let name = escape_identifier(&self.table);
        let drop = if self.replace {
            format!("DROP TABLE IF EXISTS {}.{name};", self.schema)
        } else {
            String::new()
        };
        // Of several that give a table the same name, each sees what the last one did.
        let lock = escape_literal(&format!("{}.{}", self.schema, self.table));
        format!(
            "ANALYZE {staging};
             SELECT pg_advisory_xact_lock(hashtextextended({lock}, 0));
             {drop} ALTER TABLE {staging} RENAME TO {name};
             COMMIT"
        )
    }
}

fn definitions(columns: &[(String, DataType)]) -> String {
    let definition = |(name, data_type): &(String, DataType)| {
        format!("{} {}", escape_identifier(name), data_type.name())
    };
    columns.iter().map(definition).collect::<Vec<_>>().join(", ")
}

/// Someone else may have made the table meanwhile.
fn of_name(error: tokio_postgres::Error) -> Error {
    match error.code() {
        Some(&SqlState::DUPLICATE_TABLE | &SqlState::UNIQUE_VIOLATION) => Error::TableExists,
        _ => Error::of_store(error),
    }
}
