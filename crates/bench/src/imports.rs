//! Importing a large file, one at a time, against a COPY of the same text into a table with
//! the same columns.

mod file;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use futures::SinkExt as _;
use proto::v1::{
    self as pb, data_source_service_client::DataSourceServiceClient, import_table_request::Part,
};
use tokio_postgres::Client;

use self::file::File;
use crate::{
    clients::Clients,
    context::{Context, Plan},
    data::{Scale, User, connect},
    load::Caller,
    measure::{Side, in_turn},
    measured::{Round, cpu_ratio, ratio},
    report::{CaseFigures, Figures, Report, Row},
};

pub(crate) const NAME: &str = "import_table";
const TABLE: &str = "bench_import";
/// One import is a round: it takes longer, and its caller begins within it.
const ONE: Duration = Duration::from_millis(50);
const ROUNDS: u32 = 3;

pub(crate) fn unmeasured() -> Vec<Row> {
    ["cpu", "p50"].map(|name| Row::unmeasured(format!("{NAME}_{name}"), None)).into()
}

pub(crate) async fn measure(
    context: &Context,
    scale: Scale,
    report: &mut Report,
) -> anyhow::Result<()> {
    let megabytes = if scale == Scale::Quick { 10 } else { 100 };
    report.say("imported file", format!("{megabytes} MB"));
    eprintln!("measuring {NAME} of {megabytes} MB ...");
    let file = Arc::new(File::of(megabytes));
    let user = context.data.live().next().context("no user has data")?;
    let product = Import::of(context, user, Arc::clone(&file)).await?;
    let url = context.setup.session_service.env_of("DATASET_DATABASE_URL")?;
    let bare = Copy { client: connect(url).await?, file };
    let mut product = Side::new(vec![Box::new(product)], context.pids());
    let bare = Side::new(vec![Box::new(bare)], context.pids());
    let mut bare = bare.without(context.pair.pids());
    let plan = Plan { warm_up: ONE, round: ONE, rounds: ROUNDS };
    in_turn(&mut [&mut product, &mut bare], plan).await?;
    let (product, bare) = (product.measured, bare.measured);
    let cpu = cpu_ratio(&product, &bare);
    let p50 = ratio(&product, &bare, |round: &Round| round.latency_ms(0.5));
    report.rows.push(Row::new(format!("{NAME}_cpu"), Some(cpu), None));
    report.rows.push(Row::new(format!("{NAME}_p50"), Some(p50), None));
    report.cases.push(CaseFigures {
        case: NAME.to_owned(),
        callers: 1,
        product: Some(Figures::of(&product)),
        bare: Some(Figures::of(&bare)),
        echo: None,
    });
    Ok(())
}

/// Imports the file through the API, in the place of what was imported before.
struct Import {
    clients: Arc<Clients>,
    user_id: i64,
    data_source_id: i64,
    file: Arc<File>,
}

impl Import {
    async fn of(context: &Context, user: &User, file: Arc<File>) -> anyhow::Result<Self> {
        let (clients, user_id) = (Arc::clone(&context.clients), user.id);
        let mut sources = DataSourceServiceClient::new(clients.connection());
        let request = clients.request(user_id, pb::ListDataSourcesRequest::default())?;
        let sources = sources.list_data_sources(request).await?.into_inner().data_sources;
        let data_source_id = sources.first().context("no data source")?.id;
        Ok(Self { clients, user_id, data_source_id, file })
    }
}

#[async_trait]
impl Caller for Import {
    async fn call(&mut self) -> anyhow::Result<()> {
        let table = pb::ImportedTable {
            data_source_id: self.data_source_id,
            table_name: TABLE.to_owned(),
            replace: true,
            ..Default::default()
        };
        let pieces = self.file.pieces.clone().into_iter().map(Part::Data);
        let parts = std::iter::once(Part::Table(table)).chain(pieces);
        let requests = parts.map(|part| pb::ImportTableRequest { part: Some(part) });
        let request = self.clients.request(self.user_id, tokio_stream::iter(requests))?;
        let mut sources = DataSourceServiceClient::new(self.clients.connection());
        let rows = sources.import_table(request).await?.into_inner().row_count;
        ensure!(rows == self.file.rows, "{rows} rows were imported of {}", self.file.rows);
        Ok(())
    }
}

/// Copies the file into a table, in the place of the one before.
struct Copy {
    client: Client,
    file: Arc<File>,
}

#[async_trait]
impl Caller for Copy {
    async fn call(&mut self) -> anyhow::Result<()> {
        let columns = file::COLUMNS;
        let make = format!("BEGIN; DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} ({columns})");
        self.client.batch_execute(&make).await?;
        let copy = format!("COPY {TABLE} FROM STDIN (FORMAT csv, HEADER, FREEZE)");
        let mut sink = Box::pin(self.client.copy_in::<_, Bytes>(&copy).await?);
        for piece in &self.file.pieces {
            sink.feed(piece.clone()).await?;
        }
        let rows = sink.as_mut().finish().await?;
        ensure!(rows == self.file.rows as u64, "{rows} rows were copied of {}", self.file.rows);
        Ok(self.client.batch_execute("COMMIT").await?)
    }
}
