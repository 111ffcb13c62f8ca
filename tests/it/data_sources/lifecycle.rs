use prost_types::FieldMask;
use proto::v1::{self as pb, create_data_source_request::Kind as NewKind, data_source::Kind};
use tonic::Code;

use super::{
    create, create_postgres, delete, get, get_schema, postgres_of, redirect, refresh_schema, sales,
    superuser_in, test, update,
};
use crate::harness::{Expect as _, Harness, eventually};

#[tokio::test]
async fn a_data_set_is_read_back_as_it_was_created() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let kind = Some(NewKind::Dataset(pb::Dataset {}));
    let request = pb::CreateDataSourceRequest {
        name: "  Pingüins \t".to_owned(),
        kind,
        ..Default::default()
    };

    let created = api.sources.clone().create_data_source(request).await.ok_response();

    let created = created.data_source.unwrap();
    assert!(0 < created.id, "{created:?}");
    assert_eq!(created.name, "Pingüins");
    assert_eq!(created.kind, Some(Kind::Dataset(pb::Dataset {})));
    assert!(created.created_at.is_some() && created.created_at == created.updated_at);
    assert_eq!(get(&api, created.id).await.unwrap(), created);
}

#[tokio::test]
async fn a_postgres_source_is_read_back_with_all_but_its_password() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let with_defaults =
        pb::PostgresSource { port: 0, ssl_mode: 0, ca_pem: String::new(), ..sales() };

    let full = create_postgres(&api, sales()).await;
    let defaulted = create_postgres(&api, with_defaults.clone()).await;

    let expected = pb::PostgresSource { password: String::new(), ..sales() };
    assert_eq!(*postgres_of(&full), expected);
    assert_eq!(get(&api, full.id).await.unwrap(), full);
    let ssl_mode = pb::SslMode::Prefer.into();
    let expected =
        pb::PostgresSource { port: 5432, ssl_mode, password: String::new(), ..with_defaults };
    assert_eq!(*postgres_of(&defaulted), expected);
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let harness = Harness::without_worker().await;
    let mut sources = harness.api(1).sources;
    let empty = pb::CreateDataSourceRequest::default();
    let bad = pb::PostgresSource {
        host: "db.example.org/x".to_owned(),
        port: 65_536,
        database: "d".repeat(64),
        user: "a\0b".to_owned(),
        password: "x".repeat(1_001),
        ssl_mode: 9,
        ca_pem: "x".repeat(64 * 1024 + 1),
    };
    let all_bad = pb::CreateDataSourceRequest {
        name: "x".repeat(201),
        kind: Some(NewKind::Postgres(bad)),
        ..Default::default()
    };
    let absent = pb::CreateDataSourceRequest {
        name: "Sales".to_owned(),
        kind: Some(NewKind::Postgres(pb::PostgresSource::default())),
        ..Default::default()
    };
    let no_certificate = "no certificate at all".to_owned();
    let unreadable = pb::CreateDataSourceRequest {
        name: "Sales".to_owned(),
        kind: Some(NewKind::Postgres(pb::PostgresSource { ca_pem: no_certificate, ..sales() })),
        ..Default::default()
    };

    let empty = sources.create_data_source(empty).await;
    let all_bad = sources.create_data_source(all_bad).await;
    let absent = sources.create_data_source(absent).await;
    let unreadable = sources.create_data_source(unreadable).await;

    empty.invalid(&["name", "kind"]);
    all_bad.invalid(&[
        "name",
        "postgres.database",
        "postgres.user",
        "postgres.host",
        "postgres.port",
        "postgres.password",
        "postgres.ca_pem",
        "postgres.ssl_mode",
    ]);
    absent.invalid(&["postgres.database", "postgres.user", "postgres.host"]);
    unreadable.invalid(&["postgres.ca_pem"]);
}

#[tokio::test]
async fn a_list_is_newest_first_page_by_page_and_the_callers_own() {
    let harness = Harness::without_worker().await;
    let (api, other) = (harness.api(1), harness.api(2));
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.insert(
            0,
            if n == 2 { create_postgres(&api, sales()).await.id } else { api.dataset().await },
        );
        other.dataset().await;
    }

    let mut pages: Vec<Vec<i64>> = Vec::new();
    let mut request = pb::ListDataSourcesRequest { per_page: 2, ..Default::default() };
    loop {
        let list = api.sources.clone().list_data_sources(request.clone()).await.ok_response();
        let pagination = list.pagination.unwrap();
        assert_eq!(pagination.has_prev, !pages.is_empty());
        assert_eq!(pagination.has_next, !pagination.next_page_token.is_empty());
        pages.push(list.data_sources.iter().map(|it| it.id).collect());
        request.page_token = pagination.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }

    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages.concat(), expected);
}

#[tokio::test]
async fn a_page_that_can_not_be_is_refused() {
    let harness = Harness::without_worker().await;
    let mut sources = harness.api(1).sources;
    let negative = pb::ListDataSourcesRequest { per_page: -1, ..Default::default() };
    let garbage =
        pb::ListDataSourcesRequest { page_token: "AAAA".to_owned(), ..Default::default() };

    let negative = sources.list_data_sources(negative).await;
    let garbage = sources.list_data_sources(garbage).await;

    negative.invalid(&["per_page"]);
    garbage.invalid(&["page_token"]);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let before = create_postgres(&api, sales()).await;
    let named = |name: &str| pb::UpdateDataSourceRequest {
        data_source_id: before.id,
        name: name.to_owned(),
        ..Default::default()
    };
    let masked = pb::UpdateDataSourceRequest {
        postgres: Some(pb::PostgresSource { host: "elsewhere.example.org".to_owned(), ..sales() }),
        update_mask: Some(FieldMask { paths: vec!["name".to_owned()] }),
        ..named("Masked")
    };

    let renamed = update(&api, named("Renamed")).await.ok_response().data_source.unwrap();
    let masked = update(&api, masked).await.ok_response().data_source.unwrap();
    let elsewhere = pb::PostgresSource { host: "elsewhere.example.org".to_owned(), ..sales() };
    let moved = redirect(&api, before.id, elsewhere).await.ok_response().data_source.unwrap();

    assert_eq!((&*renamed.name, &renamed.kind), ("Renamed", &before.kind));
    assert_eq!((&*masked.name, &masked.kind), ("Masked", &before.kind));
    assert_eq!((&*moved.name, &*postgres_of(&moved).host), ("Masked", "elsewhere.example.org"));
    assert_eq!(moved.created_at, before.created_at);
    assert_ne!(moved.updated_at, before.updated_at);
    assert_eq!(get(&api, before.id).await.unwrap(), moved);
}

#[tokio::test]
async fn an_update_that_can_not_be_is_refused_and_changes_nothing() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let (dataset, postgres) = (api.dataset().await, create_postgres(&api, sales()).await);
    let nothing = pb::UpdateDataSourceRequest { data_source_id: postgres.id, ..Default::default() };
    let unknown = pb::UpdateDataSourceRequest {
        update_mask: Some(FieldMask { paths: vec!["user_id".to_owned()] }),
        name: "Mine".to_owned(),
        ..nothing.clone()
    };
    let both = pb::UpdateDataSourceRequest {
        data_source_id: dataset,
        name: "Now Postgres".to_owned(),
        postgres: Some(sales()),
        ..Default::default()
    };

    update(&api, nothing).await.invalid(&["update_mask"]);
    update(&api, unknown).await.refused(Code::InvalidArgument, "INVALID_FIELD");
    update(&api, both).await.invalid(&["postgres"]);
    redirect(&api, postgres.id, pb::PostgresSource::default()).await.invalid(&[
        "postgres.database",
        "postgres.user",
        "postgres.host",
    ]);

    assert_eq!(get(&api, dataset).await.unwrap().name, "Data");
    assert_eq!(get(&api, postgres.id).await.unwrap(), postgres);
}

#[tokio::test]
async fn a_data_source_is_kept_while_an_agent_reads_from_it() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let dataset = api.dataset().await;
    let agent_id = api.agent_on(dataset).await;

    let in_use = delete(&api, dataset).await;
    let kept = get(&api, dataset).await;
    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();
    let unused = delete(&api, dataset).await;

    in_use.refused(Code::FailedPrecondition, "DATA_SOURCE_IN_USE");
    assert_eq!(kept.unwrap().id, dataset);
    unused.ok_response();
}

#[tokio::test]
async fn a_deleted_and_a_foreign_data_source_are_as_absent_as_one_that_never_was() {
    let harness = Harness::without_worker().await;
    let (api, other) = (harness.api(1), harness.api(2));
    let (deleted, foreign) = (api.dataset().await, other.dataset().await);
    delete(&api, deleted).await.ok_response();

    let mut answers = Vec::new();
    for id in [9_999_999, deleted, foreign] {
        let named = pb::UpdateDataSourceRequest {
            data_source_id: id,
            name: "Mine".to_owned(),
            ..Default::default()
        };
        let postgres = pb::UpdateDataSourceRequest { postgres: Some(sales()), ..named.clone() };
        let all = [
            get(&api, id).await.map(drop),
            update(&api, named).await.map(drop),
            update(&api, postgres).await.map(drop),
            delete(&api, id).await.map(drop),
            get_schema(&api, id).await.map(drop),
            refresh_schema(&api, id).await.map(drop),
            test(&api, id, true).await.map(drop),
            api.import(id, "t", "n\n1\n").await.map(drop),
        ];
        let seen = all.map(|answer| {
            let status = answer.expect_err("it is not there");
            (status.code(), status.message().to_owned(), status.details().to_vec())
        });
        assert!(seen.iter().all(|(code, ..)| *code == Code::NotFound), "{id}: {seen:?}");
        answers.push(seen);
    }

    assert_eq!(answers[1], answers[0]);
    assert_eq!(answers[2], answers[0]);
    get(&other, foreign).await.expect("nothing has happened to it");
}

#[tokio::test]
async fn a_deleted_data_sets_tables_and_role_are_gone_within_seconds() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let (deleted, kept) = (api.dataset().await, api.dataset().await);
    for dataset in [deleted, kept] {
        api.import(dataset, "t", "n\n1\n").await.unwrap();
    }
    let role = |id| harness.sources.store.source(id, "").user;
    let store = superuser_in(&harness.sources.store.source(kept, "").database).await;
    let count = async |id: i64| -> i64 {
        let sql = "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = $1)
                        + (SELECT count(*) FROM pg_namespace WHERE nspname = $2)
                        + (SELECT count(*) FROM information_schema.tables WHERE table_schema = $2)";
        store.query_one(sql, &[&role(id), &format!("ds_{id}")]).await.unwrap().get(0)
    };
    assert_eq!(count(deleted).await, 3);

    delete(&api, deleted).await.ok_response();

    eventually("the drop", async || (count(deleted).await == 0).then_some(())).await;
    assert_eq!(count(kept).await, 3);
    assert_eq!(create(&api, NewKind::Dataset(pb::Dataset {})).await.name, "Data");
}
