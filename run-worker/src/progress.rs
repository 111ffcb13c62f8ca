//! How far an attempt has come: what there is of an answer, and the run's event
//! log. Outlives the work, which can be stopped at any time.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_nats::Client;
use data_source::Rows;
use run_queue::{
    Names,
    events::{Event, EventLog, Preview, TruncatedBy},
};
use storage::{
    entity::{message::Cells, run::Model},
    runs::{Ending, Execution, Failure, Outcome, Usage},
};
use tokio::time::Instant;

use crate::error::shortened;

/// How long an answer may be, so that a page of them can be sent.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
const CUT: &str = "\n\n[cut: the answer was too long]";
/// Text is sent so often at most.
pub(crate) const TEXT_PERIOD: Duration = Duration::from_millis(50);
/// Or when there is so much of it.
const TEXT_BYTES: usize = 2 * 1024;

pub(crate) struct Progress {
    state: Mutex<State>,
}

struct State {
    log: EventLog,
    content: String,
    /// The end of the content, which was not sent yet.
    unsent: String,
    sent_at: Option<Instant>,
    sql: Option<String>,
    execution: Option<Execution>,
    /// What of the data the content may hold.
    cells: Cells,
    /// Statements that did not succeed, in order.
    failures: Vec<(String, Failure)>,
    usage: Option<Usage>,
}

impl Progress {
    pub(crate) fn begin(nats: &Client, names: &Names, run: &Model) -> Self {
        let mut log = EventLog::new(nats.clone(), names, run.id.0, run.fence);
        log.write(Event::Attempt { number: run.attempts });
        let state = State {
            log,
            content: String::new(),
            unsent: String::new(),
            sent_at: None,
            sql: None,
            execution: None,
            cells: Cells::None,
            failures: Vec::new(),
            usage: None,
        };
        Self { state: Mutex::new(state) }
    }

    /// This statement is going to be executed.
    pub(crate) fn executing(&self, sql: &str) {
        let mut state = self.lock();
        state.sql = Some(sql.to_owned());
        state.log.write(Event::SqlGenerated(sql.to_owned()));
    }

    /// The statement was executed, with this result.
    pub(crate) fn executed(&self, rows: &Rows, execution: Execution) {
        let mut state = self.lock();
        state.log.write(Event::Rows(Preview {
            columns: rows.columns.iter().map(|column| column.name.clone()).collect(),
            rows: rows.rows.iter().take(Preview::MAX_ROWS).cloned().collect(),
            row_count: execution.row_count,
            truncated_by: rows.truncated_by.map(|by| match by {
                data_source::rows::TruncatedBy::Rows => TruncatedBy::Rows,
                data_source::rows::TruncatedBy::Bytes => TruncatedBy::Bytes,
            }),
            total_rows: execution.total_rows,
        }));
        state.execution = Some(execution);
    }

    /// A statement did not succeed: the `number`th.
    pub(crate) fn statement_failed(&self, number: i32, sql: &str, failure: Failure) {
        let mut state = self.lock();
        state.log.write(Event::SqlError {
            reason: failure.reason.to_owned(),
            message: failure.message.clone(),
            sql: sql.to_owned(),
            number,
        });
        state.failures.push((sql.to_owned(), failure));
    }

    /// Asking the model has cost this.
    pub(crate) fn spent(&self, model: &str, usage: model::Usage) {
        let mut state = self.lock();
        let count = |tokens| i64::try_from(tokens).unwrap_or(i64::MAX);
        let sum = state.usage.get_or_insert_with(|| Usage {
            model: model.to_owned(),
            prompt_tokens: 0,
            completion_tokens: 0,
        });
        sum.prompt_tokens = sum.prompt_tokens.saturating_add(count(usage.prompt_tokens));
        sum.completion_tokens =
            sum.completion_tokens.saturating_add(count(usage.completion_tokens));
    }

    /// What asking the model has cost so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.lock().usage.clone()
    }

    /// What is said from now on may hold this of the data.
    pub(crate) fn may_hold(&self, cells: Cells) {
        self.lock().cells = cells;
    }

    /// The answer goes on. False once it is as long as it may be.
    pub(crate) fn say(&self, text: &str) -> bool {
        let mut state = self.lock();
        // Postgres can't store it.
        let text = text.replace('\0', "\u{fffd}");
        let room = MAX_ANSWER_BYTES.saturating_sub(state.content.len());
        if room < text.len() {
            let kept = &text[..text.floor_char_boundary(room)];
            state.push(kept);
            state.push(CUT);
            state.send();
            return false;
        }
        state.push(&text);
        let is_due = state.sent_at.is_none_or(|it| TEXT_PERIOD <= it.elapsed());
        if is_due || TEXT_BYTES <= state.unsent.len() {
            state.send();
        }
        true
    }

    /// Ends the answer with something short that must not be left out, however long
    /// the answer is.
    pub(crate) fn conclude(&self, note: &str) {
        let mut state = self.lock();
        state.push(note);
        state.send();
    }

    /// Sends what was said and not sent yet.
    pub(crate) fn send(&self) {
        self.lock().send();
    }

    /// The attempt has failed, at its statement or elsewhere.
    pub(crate) fn failed(&self, at_statement: bool) {
        let mut state = self.lock();
        state.send();
        if !at_statement && state.execution.is_none() {
            // It did not get to its data source.
            state.sql = None;
        }
    }

    /// There will be another attempt, so long from now.
    pub(crate) fn retrying(&self, failure: &Failure, after: Duration) {
        let (reason, message) = (failure.reason.to_owned(), failure.message.clone());
        self.lock().log.write(Event::Retrying { reason, message, after });
    }

    /// What the attempt ends with.
    pub(crate) fn ending(&self, outcome: Outcome) -> Ending {
        let mut state = self.lock();
        state.send();
        if matches!(outcome, Outcome::Cancelled) {
            state.log.write(Event::Cancelling);
        }
        let (content, cells) = match &outcome {
            // What there is of an answer is void. A data source's words can hold values.
            Outcome::Failed(failure) => (without_answer(failure, &state.failures), Cells::Rows),
            Outcome::Succeeded | Outcome::Cancelled | Outcome::Expired => {
                (state.content.clone(), state.cells)
            }
        };
        Ending {
            outcome,
            content,
            sql: state.sql.clone(),
            execution: state.execution.clone(),
            cells,
            usage: state.usage.clone(),
            last_event_id: state.log.last_event_id(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What went wrong, and what was tried.
fn without_answer(failure: &Failure, failures: &[(String, Failure)]) -> String {
    let mut content = format!("The question could not be answered: {}.", failure.message);
    if !failures.is_empty() {
        content.push_str("\n\nWhat was tried:\n");
    }
    for (sql, failure) in failures {
        content.push_str(&format!("\n```sql\n{}\n```\n{}\n", sql.trim(), failure.message));
    }
    shortened(content, MAX_ANSWER_BYTES)
}

impl State {
    fn push(&mut self, text: &str) {
        self.content.push_str(text);
        self.unsent.push_str(text);
    }

    fn send(&mut self) {
        if !self.unsent.is_empty() {
            self.log.write(Event::TextDelta(mem::take(&mut self.unsent)));
            self.sent_at = Some(Instant::now());
        }
    }
}
