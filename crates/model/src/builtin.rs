//! A provider that needs no network.

use data_source::Rows;

use crate::{Error, Plan, Provider, Question};

/// Answers SQL and plain questions in Portuguese or English, the same way every time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Builtin;

#[async_trait::async_trait]
impl Provider for Builtin {
    async fn plan(&self, question: &Question<'_>) -> Result<Plan, Error> {
        Ok(Plan::Query(question.text.to_owned()))
    }

    async fn answer(
        &self,
        _question: &Question<'_>,
        _sql: &str,
        rows: &Rows,
    ) -> Result<String, Error> {
        Ok(rows.rows.len().to_string())
    }
}
