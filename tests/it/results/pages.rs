use proto::v1 as pb;
use storage::results::RunResult;

use super::{columns, get, numbers, run_with_result, texts, value};
use crate::harness::{Expect as _, Harness};

#[tokio::test]
async fn pages_of_every_size_make_up_the_result() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let run = run_with_result(&harness, &api, numbers(10_000)).await;

    for (per_page, applied) in [(0, 100_i32), (999, 999), (1_000, 1_000), (i32::MAX, 1_000)] {
        let mut found = Vec::new();
        for page in 1.. {
            let result = get(&api, run.id, page, per_page).await.ok_response();
            let total_pages = i64::from(10_000_u32.div_ceil(applied.unsigned_abs()));
            let pagination = pb::Pagination {
                page,
                per_page: applied,
                total_items: 10_000,
                total_pages,
                has_next: i64::from(page) < total_pages,
                has_prev: 1 < page,
                next_page_token: String::new(),
            };
            assert_eq!(result.pagination, Some(pagination));
            let numbers = texts(&result.rows).concat();
            found.extend(numbers.into_iter().map(|it| it.parse::<i32>().unwrap()));
            if i64::from(page) == total_pages {
                break;
            }
        }
        assert!(found.into_iter().eq(1..=10_000), "per_page {per_page}");
    }
}

#[tokio::test]
async fn a_page_beyond_the_end_is_empty_however_far() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let run = run_with_result(&harness, &api, numbers(200)).await;

    let last = get(&api, run.id, 2, 100).await.ok_response();
    assert_eq!(texts(&last.rows).concat(), (101..=200).map(|n| n.to_string()).collect::<Vec<_>>());
    for (page, per_page) in [(3, 0), (22, 10), (2_147_484, 1_000), (i32::MAX, 1), (i32::MAX, 1_000)]
    {
        let result = get(&api, run.id, page, per_page).await.ok_response();
        let pagination = result.pagination.unwrap();
        assert_eq!((result.rows.len(), result.row_count), (0, 200), "page {page}");
        assert!(!pagination.has_next && pagination.has_prev, "page {page}");
    }
}

#[tokio::test]
async fn every_page_says_what_the_whole_result_is() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let rows = vec![
        vec![Some("1".to_owned()), None, Some(String::new())],
        vec![None, Some("a".to_owned()), Some("[]".to_owned())],
    ];
    let same = columns(&[("same", "int4"), ("same", "text"), ("?column?", "jsonb")]);
    let run = run_with_result(&harness, &api, RunResult { columns: same, rows }).await;

    let second = get(&api, run.id, 2, 1).await.ok_response();

    let column = |name: &str, type_name: &str| pb::ResultColumn {
        name: name.to_owned(),
        r#type: type_name.to_owned(),
    };
    let expected = [column("same", "int4"), column("same", "text"), column("?column?", "jsonb")];
    assert_eq!(second.columns, expected);
    assert_eq!(second.rows.len(), 1);
    assert_eq!(second.rows[0].values, [value(None), value(Some("a")), value(Some("[]"))]);
    assert_eq!((second.row_count, second.total_rows), (2, Some(1 << 40)));
    assert_eq!(second.truncated_by(), pb::TruncatedBy::Bytes);
    assert_eq!((run.row_count, run.total_rows), (second.row_count, second.total_rows));
    assert_eq!(run.truncated_by(), second.truncated_by());
}

/// A result is kept up to 1 MiB, in which a value has four bytes more than its text.
#[tokio::test]
async fn the_largest_results_fit_into_a_response() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let wide: Vec<(&str, &str)> = vec![("n", "int4"); 262];
    let nulls = RunResult { columns: columns(&wide), rows: vec![vec![None; 262]; 1_000] };
    let long = vec![vec![Some("é".repeat((1 << 19) - 2))]];
    let text = RunResult { columns: columns(&[("text", "text")]), rows: long };

    for (result, rows) in [(nulls, 1_000), (text, 1)] {
        let run = run_with_result(&harness, &api, result.clone()).await;
        let found = get(&api, run.id, 1, 1_000).await.ok_response();
        assert_eq!(found.rows.len(), rows);
        let last = found.rows[rows - 1].values.last();
        assert_eq!(last, Some(&value(result.rows[rows - 1].last().unwrap().as_deref())));
    }
}
