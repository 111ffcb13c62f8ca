//! What a list of sessions must be, worked out the plain way.

use prost_types::Timestamp;
use proto::v1::{self as pb, SessionStatusFilter};

/// Titles, and what of them matters to a search.
pub(super) const TITLES: [(&str, &str); 18] = [
    ("Vendas de Março", "vendas de marco"),
    ("VENDAS DE MARÇO", "vendas de marco"),
    ("vendas de marc\u{327}o", "vendas de marco"),
    ("Vendas de marco", "vendas de marco"),
    ("São Paulo: AÇÃO", "sao paulo: acao"),
    ("50% off", "50% off"),
    ("50 off", "50 off"),
    ("a_b", "a_b"),
    ("aXb", "axb"),
    (r"C:\temp\%", r"c:\temp\%"),
    (r"C:temp", "c:temp"),
    ("it's \"quoted\"; -- $1", "it's \"quoted\"; -- $1"),
    ("two  spaces", "two  spaces"),
    ("ПРИВЕТ мир", "привет мир"),
    ("ÅNGSTRÖM Ñandú", "angstrom nandu"),
    ("ﬁnance ²", "finance 2"),
    ("日本語 report", "日本語 report"),
    ("", ""),
];

/// Searches, and what of them matters; the last finds nothing.
pub(super) const SEARCHES: [(&str, &str); 24] = [
    ("", ""),
    ("março", "marco"),
    ("MARCO", "marco"),
    ("marc\u{327}o", "marco"),
    ("ç", "c"),
    ("sao p", "sao p"),
    ("ÇÃ", "ca"),
    ("%", "%"),
    ("50%", "50%"),
    ("_", "_"),
    ("A_B", "a_b"),
    (r"\", r"\"),
    (r"C:\T", r"c:\t"),
    (r"\%", r"\%"),
    ("'", "'"),
    ("$1", "$1"),
    ("  ", "  "),
    ("привет", "привет"),
    ("Ångström", "angstrom"),
    ("nandu", "nandu"),
    ("FIN", "fin"),
    ("日本", "日本"),
    ("\u{301}", ""),
    ("vendas%marco", "vendas%marco"),
];

/// A session, as it was stored. Times are in microseconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub id: i64,
    pub user_id: i64,
    pub agent_id: i64,
    pub title: usize,
    pub archived: bool,
    pub total_messages: i64,
    pub created_at: i64,
    pub last_activity: i64,
    pub deleted: bool,
}

/// Some 120 sessions of two users with two agents each: every combination that
/// matters, with many that have the same activity, and ids in no order.
pub(super) fn rows(agents: [(i64, i64); 4]) -> Vec<Row> {
    (0..120_i64)
        .map(|n| {
            let (user_id, agent_id) = agents[[0, 0, 0, 1, 1, 0, 2, 3][n as usize % 8]];
            Row {
                id: 10_000 + n * 77 % 120,
                user_id,
                agent_id,
                title: n as usize * 5 % TITLES.len(),
                archived: n % 5 == 0,
                total_messages: [0, 1, 2, 5, 6, 40][n as usize * 7 % 6],
                created_at: 1_780_000_000_000_000 + n * 13 % 40,
                last_activity: 1_790_000_000_000_000 + n * 31 % 25,
                deleted: n % 29 == 11,
            }
        })
        .collect()
}

pub(super) fn insertion(rows: &[Row]) -> String {
    let values: Vec<String> = rows.iter().map(value).collect();
    format!(
        "INSERT INTO chat_sessions (id, user_id, agent_id, title, status, total_messages,
            created_at, last_activity, deleted_at, purge_at)
        SELECT id, user_id, agent_id, title, status, total,
            timestamptz 'epoch' + created * interval '1 microsecond',
            timestamptz 'epoch' + activity * interval '1 microsecond',
            CASE WHEN deleted THEN now() END,
            CASE WHEN deleted THEN now() + interval '30 days' END
        FROM (VALUES {})
            AS rows (id, user_id, agent_id, title, status, total, created, activity, deleted)",
        values.join(", ")
    )
}

fn value(row: &Row) -> String {
    let Row { id, user_id, agent_id, total_messages, created_at, last_activity, .. } = row;
    let title = TITLES[row.title].0.replace('\'', "''");
    let status = if row.archived { "archived" } else { "active" };
    let deleted = row.deleted;
    format!(
        "({id}, {user_id}, {agent_id}, '{title}', '{status}', {total_messages}, {created_at},
          {last_activity}, {deleted})"
    )
}

/// A list that is asked for, with what of its search matters.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    pub request: pb::ListSessionsRequest,
    pub folded: &'static str,
}

fn nanos(time: &Timestamp) -> i128 {
    i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos)
}

/// The ids of what the filters let through, in order.
pub(super) fn matching(rows: &[Row], user_id: i64, list: &List) -> Vec<i64> {
    let request = &list.request;
    let is_listed = |row: &&Row| {
        let created = i128::from(row.created_at) * 1_000;
        let status = match request.status() {
            SessionStatusFilter::Unspecified | SessionStatusFilter::Active => !row.archived,
            SessionStatusFilter::Archived => row.archived,
            SessionStatusFilter::Any => true,
        };
        row.user_id == user_id
            && !row.deleted
            && status
            && (request.agent_id == 0 || request.agent_id == row.agent_id)
            && request.min_messages <= row.total_messages
            && TITLES[row.title].1.contains(list.folded)
            && request.created_after.as_ref().is_none_or(|time| nanos(time) < created)
            && request.created_before.as_ref().is_none_or(|time| created < nanos(time))
    };
    let mut listed: Vec<&Row> = rows.iter().filter(is_listed).collect();
    listed.sort_by_key(|row| std::cmp::Reverse((row.last_activity, row.id)));
    listed.iter().map(|row| row.id).collect()
}

/// The ids on a page asked for by number, and where it lies; but for its token.
pub(super) fn page(all: &[i64], number: i32, per_page: i32) -> (Vec<i64>, pb::Pagination) {
    let (number, per_page) = (number.max(1), size(per_page));
    let pages: Vec<&[i64]> = all.chunks(per_page.unsigned_abs() as usize).collect();
    let index = number.unsigned_abs() as usize - 1;
    let pagination = pb::Pagination {
        page: number,
        per_page,
        total_items: all.len() as i64,
        total_pages: pages.len() as i64,
        has_next: index + 1 < pages.len(),
        has_prev: 1 < number,
        next_page_token: String::new(),
    };
    (pages.get(index).copied().unwrap_or_default().to_vec(), pagination)
}

/// How many sessions a page holds, as it is applied.
pub(super) fn size(per_page: i32) -> i32 {
    if per_page == 0 { 20 } else { per_page.min(50) }
}

/// A point in time, and so many nanoseconds later.
pub(super) fn time(micros: i64, later: i64) -> Option<Timestamp> {
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let nanos = micros * 1_000 + later;
    Some(Timestamp {
        seconds: seconds + nanos.div_euclid(1_000_000_000),
        nanos: nanos.rem_euclid(1_000_000_000) as i32,
    })
}
