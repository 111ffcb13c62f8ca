//! How long things are kept.

use std::time::Duration;

use anyhow::ensure;
use clap::{Args, value_parser};

use crate::sweep::Retention;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

#[derive(Clone, Debug, Args)]
pub struct RetentionSettings {
    /// For how many hours the id of a request is known
    #[arg(long, env, default_value_t = 24, value_parser = value_parser!(u32).range(24..=8_760))]
    pub request_id_retention_hours: u32,

    /// For how many days the rows are kept that an answer was given from; as long as the
    /// answer if not set
    #[arg(long, env, value_parser = value_parser!(u32).range(1..=36_500))]
    pub run_result_retention_days: Option<u32>,

    /// For how many days the receipt is kept of a deletion of all that a user had
    #[arg(long, env, default_value_t = 365, value_parser = value_parser!(u32).range(30..=36_500))]
    pub deletion_receipt_retention_days: u32,
}

impl RetentionSettings {
    pub fn request_ids(&self) -> Duration {
        Duration::from_secs(u64::from(self.request_id_retention_hours) * HOUR)
    }

    /// A request that is repeated finds its receipt, whose time begins with the deletion's end.
    pub fn check(&self) -> anyhow::Result<()> {
        let receipts = self.retention().receipts;
        ensure!(
            self.request_ids() + Duration::from_secs(DAY) < receipts,
            "DELETION_RECEIPT_RETENTION_DAYS has to be more than a day longer than \
             REQUEST_ID_RETENTION_HOURS"
        );
        Ok(())
    }

    pub fn retention(&self) -> Retention {
        let days = |days: u32| Duration::from_secs(u64::from(days) * DAY);
        Retention {
            results: self.run_result_retention_days.map(days),
            receipts: days(self.deletion_receipt_retention_days),
        }
    }
}
