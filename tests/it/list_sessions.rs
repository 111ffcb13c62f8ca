use proto::v1::{self as pb, SessionStatusFilter as Status};
use sea_orm::ConnectionTrait as _;

use self::model::{List, Row, SEARCHES};
use crate::harness::{Api, Expect as _, Harness};

mod model;

/// The service with the model's sessions, of users 1 and 2.
async fn filled() -> (Harness, Vec<Row>) {
    let harness = Harness::without_worker().await;
    let (one, two) = (harness.api(1), harness.api(2));
    let agents = [
        (1, one.agent().await),
        (1, one.agent().await),
        (2, two.agent().await),
        (2, two.agent().await),
    ];
    let rows = model::rows(agents);
    harness.db.execute_unprepared(&model::insertion(&rows)).await.expect("the rows are right");
    (harness, rows)
}

async fn list(api: &Api, request: pb::ListSessionsRequest) -> pb::ListSessionsResponse {
    api.sessions.clone().list_sessions(request).await.ok_response()
}

fn ids(response: &pb::ListSessionsResponse) -> Vec<i64> {
    response.sessions.iter().map(|it| it.id).collect()
}

fn by_token(request: &pb::ListSessionsRequest, token: &str) -> pb::ListSessionsRequest {
    pb::ListSessionsRequest { page: 0, page_token: token.to_owned(), ..request.clone() }
}

/// Reads a page by its number, compares it with the model, and returns the token
/// of the next.
async fn check_page(api: &Api, all: &[i64], request: pb::ListSessionsRequest) -> String {
    let response = list(api, request.clone()).await;
    let found = ids(&response);
    let mut pagination = response.pagination.expect("every list has one");
    let token = std::mem::take(&mut pagination.next_page_token);

    assert_eq!(pagination.has_next, !token.is_empty(), "{request:?}");
    let expected = model::page(all, request.page, request.per_page);
    assert_eq!((found, pagination), expected, "{request:?}");
    token
}

/// Goes on by token from behind the first `seen` of `all`, to the end.
async fn check_walk(
    api: &Api,
    all: &[i64],
    request: &pb::ListSessionsRequest,
    mut token: String,
    mut seen: usize,
) {
    let per_page = model::size(request.per_page);
    while !token.is_empty() {
        let response = list(api, by_token(request, &token)).await;
        let end = all.len().min(seen + per_page.unsigned_abs() as usize);
        assert_eq!(ids(&response), all[seen..end], "{request:?}");
        seen = end;
        let expected = pb::Pagination {
            per_page,
            has_next: seen < all.len(),
            has_prev: true,
            ..Default::default()
        };
        let mut pagination = response.pagination.expect("every list has one");
        token = std::mem::take(&mut pagination.next_page_token);
        assert_eq!((token.is_empty(), pagination), (!expected.has_next, expected), "{request:?}");
    }
    assert_eq!(seen, all.len(), "{request:?}");
}

/// Each value of each filter alone, and 150 mixtures of them all.
fn lists(rows: &[Row]) -> Vec<List> {
    let search = |it: &mut List, n: usize| {
        let (search, folded) = SEARCHES[n % SEARCHES.len()];
        (it.request.search, it.folded) = (search.to_owned(), folded);
    };
    let agent = |it: &mut List, n: usize| {
        it.request.agent_id =
            [0, rows[0].agent_id, rows[3].agent_id, rows[6].agent_id, 1 << 40][n % 5];
    };
    let status = |it: &mut List, n: usize| it.request.status = n as i32 % 4;
    let least = |it: &mut List, n: usize| it.request.min_messages = [0, 1, 5, 6, 41][n % 5];
    let (early, late) = (1_780_000_000_000_010, 1_780_000_000_000_029);
    let later = |n: usize| [0, 1, 999, 1_000, -1, -999][n / 3 % 6];
    let after = |it: &mut List, n: usize| {
        it.request.created_after = [None, model::time(early, later(n)), model::time(0, 0)][n % 3];
    };
    let before = |it: &mut List, n: usize| {
        it.request.created_before =
            [None, model::time(late, later(n)), model::time(early, 1)][n % 3];
    };
    type Filter<'a> = &'a dyn Fn(&mut List, usize);
    let filters: [(Filter<'_>, usize); 6] = [
        (&search, SEARCHES.len()),
        (&agent, 5),
        (&status, 4),
        (&least, 5),
        (&after, 18),
        (&before, 18),
    ];

    let mut lists = Vec::new();
    for (filter, values) in filters {
        for n in 0..values {
            let mut alone = List::default();
            alone.request.status = Status::Any.into();
            filter(&mut alone, n);
            lists.push(alone);
        }
    }
    for n in 0..150 {
        let mut mixture = List::default();
        for (place, (filter, _)) in filters.iter().enumerate() {
            // Most filters let most rows through, or nothing would be left.
            let value = n * [7, 11, 13, 17, 19, 23][place] / 4;
            filter(&mut mixture, if n % 3 == place % 3 { value } else { 0 });
        }
        lists.push(mixture);
    }
    lists
}

#[tokio::test]
async fn every_filter_gives_what_the_model_gives_on_every_page() {
    let (harness, rows) = filled().await;
    let sizes = [7, 13, 20, 0, 50, 51, i32::MAX, 9, 11];

    let mut not_empty = 0;
    for (n, mut it) in lists(&rows).into_iter().enumerate() {
        let user_id = if n % 6 == 5 { 2 } else { 1 };
        let api = harness.api(user_id);
        let all = model::matching(&rows, user_id, &it);
        not_empty += usize::from(!all.is_empty());
        it.request.per_page = sizes[n % sizes.len()];

        let token = check_page(&api, &all, it.request.clone()).await;
        let seen = usize::try_from(model::size(it.request.per_page)).unwrap().min(all.len());
        check_walk(&api, &all, &it.request, token, seen).await;
        it.request.page = 2 + i32::try_from(n % 4).unwrap();
        check_page(&api, &all, it.request).await;
    }

    assert!(not_empty > 120, "{not_empty} lists with anything in them prove too little");
}

#[tokio::test]
async fn every_page_of_every_size_lies_where_the_model_says() {
    let (harness, rows) = filled().await;
    let api = harness.api(1);
    let mut any = List::default();
    any.request.status = Status::Any.into();
    let all = model::matching(&rows, 1, &any);
    assert!(all.len() > 80, "{} are too few for what follows", all.len());

    for per_page in [0, 3, 7, 20, 49, 50, 51, i32::MAX] {
        let pages = i32::try_from(all.len()).unwrap() / model::size(per_page) + 1;
        for page in [0, 1, 2, pages - 1, pages, pages + 1, i32::MAX] {
            let request = pb::ListSessionsRequest { page, per_page, ..any.request.clone() };
            let token = check_page(&api, &all, request.clone()).await;

            let seen = i64::from(page.max(1)) * i64::from(model::size(per_page));
            let seen = usize::try_from(seen).unwrap().min(all.len());
            check_walk(&api, &all, &request, token, seen).await;
        }
    }
}

#[tokio::test]
async fn a_session_is_listed_as_it_is() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;
    let older = api.session(agent_id, "older").await.id;
    let newer = api.session(agent_id, "newer").await.id;
    api.start(older, "a question").await;

    let response = list(&api, pb::ListSessionsRequest::default()).await;

    let expected = [api.get_session(older).await, api.get_session(newer).await];
    assert_eq!(response.sessions, expected);
}

#[tokio::test]
async fn sessions_added_between_two_pages_neither_shift_nor_repeat_rows() {
    let (harness, rows) = filled().await;
    let api = harness.api(1);
    let request = pb::ListSessionsRequest { per_page: 9, ..Default::default() };
    let all = model::matching(&rows, 1, &List::default());

    let first = list(&api, request.clone()).await;
    api.session(rows[0].agent_id, "new").await;
    api.start(first.sessions[4].id, "again").await;
    let token = first.pagination.as_ref().unwrap().next_page_token.clone();
    let second = list(&api, by_token(&request, &token)).await;
    api.session(rows[0].agent_id, "newer still").await;
    api.start(first.sessions[0].id, "again").await;
    let token = second.pagination.as_ref().unwrap().next_page_token.clone();

    assert_eq!([ids(&first), ids(&second)].concat(), all[..18]);
    check_walk(&api, &all, &request, token, 18).await;
}

#[tokio::test]
async fn pages_of_one_walk_may_differ_in_size() {
    let (harness, rows) = filled().await;
    let api = harness.api(1);
    let all = model::matching(&rows, 1, &List::default());

    let mut found = Vec::new();
    let mut token = String::new();
    for per_page in [3, 1, 50] {
        let request = pb::ListSessionsRequest { per_page, ..Default::default() };
        let response = list(&api, by_token(&request, &token)).await;
        found.extend(ids(&response));
        token = response.pagination.unwrap().next_page_token;
    }

    assert_eq!(found, all[..54.min(all.len())]);
}

#[tokio::test]
async fn a_token_of_another_user_is_a_place_in_ones_own_list() {
    let (harness, rows) = filled().await;
    let request = pb::ListSessionsRequest { per_page: 5, ..Default::default() };
    let own = model::matching(&rows, 2, &List::default());

    let foreign = list(&harness.api(1), request.clone()).await;
    let token = foreign.pagination.as_ref().unwrap().next_page_token.clone();
    let response = list(&harness.api(2), by_token(&request, &token)).await;

    let last = rows.iter().find(|row| row.id == foreign.sessions[4].id).unwrap();
    let place = |id: i64| rows.iter().find(|row| row.id == id).map(|row| (row.last_activity, id));
    let behind: Vec<i64> =
        own.into_iter().filter(|id| place(*id) < Some((last.last_activity, last.id))).collect();
    assert_eq!(ids(&response), behind[..5]);
}

#[tokio::test]
async fn a_token_of_other_filters_or_of_nothing_is_refused() {
    let (harness, rows) = filled().await;
    let api = harness.api(1);
    let request = pb::ListSessionsRequest { per_page: 2, ..Default::default() };
    let token = list(&api, request).await.pagination.unwrap().next_page_token;
    let plain = pb::ListSessionsRequest { page_token: token.clone(), ..Default::default() };
    api.agent().await;
    let agents = pb::ListAgentsRequest { per_page: 1, ..Default::default() };
    let agents = api.agents.clone().list_agents(agents).await.ok_response();
    let of_agents = agents.pagination.unwrap().next_page_token;
    let of_token = |page_token: &str| by_token(&plain, page_token);

    for request in [
        pb::ListSessionsRequest { agent_id: rows[0].agent_id, ..plain.clone() },
        pb::ListSessionsRequest { status: Status::Any.into(), ..plain.clone() },
        pb::ListSessionsRequest { search: "a".to_owned(), ..plain.clone() },
        pb::ListSessionsRequest { min_messages: 1, ..plain.clone() },
        pb::ListSessionsRequest { created_after: model::time(0, 0), ..plain.clone() },
        pb::ListSessionsRequest { created_before: model::time(0, 0), ..plain.clone() },
        pb::ListSessionsRequest { page: 1, ..plain.clone() },
        pb::ListSessionsRequest { page: 2, ..plain.clone() },
        of_token("x"),
        of_token("not a token"),
        of_token("AAAA"),
        of_token(&"A".repeat(100_000)),
        of_token(&token[1..]),
        of_token(&format!("{token}A")),
        of_token(&of_agents),
        // Its time is moved out of our reach, or out of the database's.
        of_token(&format!("{}gAAA{}", &token[..12], &token[16..])),
        of_token(&format!("{}f___{}", &token[..12], &token[16..])),
        of_token(&format!("{}yAAA{}", &token[..12], &token[16..])),
    ] {
        api.sessions.clone().list_sessions(request).await.invalid(&["page_token"]);
    }

    let active = pb::ListSessionsRequest { status: Status::Active.into(), ..plain.clone() };
    assert_eq!(list(&api, active).await, list(&api, plain).await);
}
