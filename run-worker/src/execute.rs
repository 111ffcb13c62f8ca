//! From a question to its answer.

mod context;
mod statements;

use bootstrap::report;
use data_source::Rows;
use futures::StreamExt as _;
use model::{Call, Piece, builtin};
use tokio::time;

use crate::{
    Error,
    attempt::Attempt,
    metrics::{Stage, timed},
    privacy::cells_of,
    progress::TEXT_PERIOD,
};
use context::Context;
use statements::Found;

/// Before the rows, in place of what the model has not said.
const MODEL_FAILED: &str = "\n\n[The model failed. This is the result:]\n\n";

impl Attempt<'_> {
    /// Answers the question; what there is of it is in the attempt's progress.
    #[tracing::instrument(name = "run.execute", skip_all)]
    pub(crate) async fn execute(&self) -> Result<(), Error> {
        let mut context = Box::pin(Context::load(self.worker, &self.run)).await?;
        match Box::pin(self.investigate(&mut context)).await? {
            Found::Reply(content) => {
                self.progress.may_hold(context.gate.most());
                self.progress.say(&content);
                Ok(())
            }
            Found::Rows { statement, rows } => {
                let (gate, cells) = (context.gate, cells_of(&statement, &rows));
                if gate.lets(cells) {
                    // A provider can repeat whatever else it has seen.
                    let is_local = context.provider.is_local();
                    self.progress.may_hold(if is_local { cells } else { gate.most() });
                    let answering = Box::pin(self.answer(&context, statement.as_str(), &rows));
                    timed(Stage::Answer, answering).await;
                } else {
                    self.progress.may_hold(cells);
                    self.tell(&rows);
                }
                Ok(())
            }
        }
    }

    /// Has the model put the rows into words. What it can't be trusted with, that
    /// rows are missing, is said in its place; and so are the rows, if it fails: they
    /// are there, and would have to be read again.
    async fn answer(&self, context: &Context, sql: &str, rows: &Rows) {
        if let Err(error) = self.word(context, sql, rows).await {
            tracing::warn!(error = %report(&error), "the model did not put a result into words");
            self.progress.say(MODEL_FAILED);
            self.tell(rows);
        } else if !context.provider.is_local() {
            self.note(rows);
        }
    }

    /// Puts the rows into words here.
    fn tell(&self, rows: &Rows) {
        let is_whole = self.progress.say(&builtin::word(&self.run.question, rows));
        if !is_whole {
            self.note(rows);
        }
    }

    /// Says that rows are missing, if they are.
    fn note(&self, rows: &Rows) {
        if let Some(note) = builtin::truncation_note(&self.run.question, rows) {
            self.progress.conclude(&format!("\n\n{note}"));
        }
    }

    async fn word(&self, context: &Context, sql: &str, rows: &Rows) -> Result<(), model::Error> {
        let call = Call::chat(&context.agent.model);
        call.follow(self.say_all(&call, context, sql, rows)).await
    }

    async fn say_all(
        &self,
        call: &Call,
        context: &Context,
        sql: &str,
        rows: &Rows,
    ) -> Result<(), model::Error> {
        let prompt = context.prompt(&[]);
        let mut pieces = context.provider.answer(&prompt, sql, rows);
        loop {
            match time::timeout(TEXT_PERIOD, pieces.next()).await {
                Ok(Some(piece)) => match piece? {
                    Piece::Text(text) if !self.progress.say(&text) => return Ok(()),
                    Piece::Text(_) => (),
                    Piece::Usage(usage) => {
                        call.spent(usage);
                        self.progress.spent(&context.agent.model, usage);
                    }
                },
                Ok(None) => return Ok(()),
                Err(_) => self.progress.send(),
            }
        }
    }
}
