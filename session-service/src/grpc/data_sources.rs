//! DataSourceService.

mod convert;
mod import;
mod schema;
mod upload;

use std::time::Duration;

use proto::v1::{self as pb, data_source_service_server::DataSourceService};
use tonic::{Request, Response, Status, Streaming};

use self::convert::UpdateDataSource;
use crate::{DataSources, auth::Caller, door::Turns, limits::ImportLimits};

/// How long an import waits for others to end.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct DataSourceGrpc {
    sources: DataSources,
    max_import_bytes: u64,
    /// Of imports that are received or stored.
    turns: Turns,
}

impl DataSourceGrpc {
    pub(crate) fn new(sources: DataSources, imports: ImportLimits) -> Self {
        let turns = Turns::of_long(imports.at_once, PATIENCE);
        Self { sources, max_import_bytes: imports.max_bytes, turns }
    }
}

#[tonic::async_trait]
impl DataSourceService for DataSourceGrpc {
    #[tracing::instrument(name = "grpc.create_data_source", skip_all)]
    async fn create_data_source(
        &self,
        request: Request<pb::CreateDataSourceRequest>,
    ) -> Result<Response<pb::CreateDataSourceResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let sealer = self.sources.sealer();
        let (repeatable, name, access) = convert::create_data_source(request.into_inner(), sealer)?;

        let source = match access {
            Some(access) => {
                self.sources.create_postgres(user_id, repeatable.as_ref(), name, access).await?
            }
            None => self.sources.create_dataset(user_id, repeatable, name).await?,
        };
        let data_source = Some(convert::to_data_source(source));
        Ok(Response::new(pb::CreateDataSourceResponse { data_source }))
    }

    #[tracing::instrument(name = "grpc.get_data_source", skip_all)]
    async fn get_data_source(
        &self,
        request: Request<pb::GetDataSourceRequest>,
    ) -> Result<Response<pb::GetDataSourceResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let id = convert::data_source_id(request.get_ref().data_source_id)?;

        let source = self.sources.get(user_id, id).await?;
        let data_source = Some(convert::to_data_source(source));
        Ok(Response::new(pb::GetDataSourceResponse { data_source }))
    }

    #[tracing::instrument(name = "grpc.list_data_sources", skip_all)]
    async fn list_data_sources(
        &self,
        request: Request<pb::ListDataSourcesRequest>,
    ) -> Result<Response<pb::ListDataSourcesResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let list = convert::list_data_sources(request.get_ref())?;

        let page = self.sources.list(user_id, list.before, list.per_page.into()).await?;
        Ok(Response::new(convert::to_list_data_sources(&list, page)))
    }

    #[tracing::instrument(name = "grpc.update_data_source", skip_all)]
    async fn update_data_source(
        &self,
        request: Request<pb::UpdateDataSourceRequest>,
    ) -> Result<Response<pb::UpdateDataSourceResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let update = convert::update_data_source(request.into_inner(), self.sources.sealer())?;
        let UpdateDataSource { request, id, name, access } = update;

        let source = self.sources.update(user_id, request.as_ref(), id, name, access).await?;
        let data_source = Some(convert::to_data_source(source));
        Ok(Response::new(pb::UpdateDataSourceResponse { data_source }))
    }

    #[tracing::instrument(name = "grpc.delete_data_source", skip_all)]
    async fn delete_data_source(
        &self,
        request: Request<pb::DeleteDataSourceRequest>,
    ) -> Result<Response<pb::DeleteDataSourceResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, id) = convert::delete_data_source(request.into_inner())?;

        self.sources.delete(user_id, repeatable.as_ref(), id).await?;
        Ok(Response::new(pb::DeleteDataSourceResponse {}))
    }

    #[tracing::instrument(name = "grpc.get_schema", skip_all)]
    async fn get_schema(
        &self,
        request: Request<pb::GetSchemaRequest>,
    ) -> Result<Response<pb::GetSchemaResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (id, agent_id) = schema::get_schema(request.get_ref())?;

        let snapshot = self.sources.schema(user_id, id, agent_id).await?;
        Ok(Response::new(schema::to_get_schema(snapshot)))
    }

    #[tracing::instrument(name = "grpc.refresh_schema", skip_all)]
    async fn refresh_schema(
        &self,
        request: Request<pb::RefreshSchemaRequest>,
    ) -> Result<Response<pb::RefreshSchemaResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let id = convert::data_source_id(request.get_ref().data_source_id)?;

        let snapshot = self.sources.refresh_schema(user_id, id).await?;
        Ok(Response::new(schema::to_refresh_schema(snapshot)))
    }

    #[tracing::instrument(name = "grpc.import_table", skip_all)]
    async fn import_table(
        &self,
        request: Request<Streaming<pb::ImportTableRequest>>,
    ) -> Result<Response<pb::ImportTableResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let mut stream = request.into_inner();
        let table = import::import_table(stream.message().await?)?;
        let id = table.data_source_id;
        self.sources.check_import(user_id, id).await?;
        // The client is not read from meanwhile.
        let _turn = self.turns.of(user_id).await?.among_all().await?;
        let received = upload::receive(stream, self.max_import_bytes, table.hash());
        let (file, content_hash) = received.await?;

        let upload = table.with(file, content_hash);
        let imported = self.sources.import(user_id, id, upload).await?;
        Ok(Response::new(convert::to_import_table(imported)))
    }

    #[tracing::instrument(name = "grpc.test_data_source", skip_all)]
    async fn test_data_source(
        &self,
        request: Request<pb::TestDataSourceRequest>,
    ) -> Result<Response<pb::TestDataSourceResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let pb::TestDataSourceRequest { data_source_id, allow_superuser } = request.into_inner();
        let id = convert::data_source_id(data_source_id)?;

        let probe = self.sources.test(user_id, id, allow_superuser).await?;
        Ok(Response::new(convert::to_test_data_source(probe)))
    }
}
