//! How much a request may ask for, and a user.

use anyhow::ensure;
use clap::{Args, value_parser};
use storage::runs::Quotas;

use crate::{
    door::Bounds,
    limits::{ImportLimits, Limits, PageLimits, TextLimits},
};

#[derive(Clone, Debug, Args)]
pub struct LimitSettings {
    /// How many sessions a page holds if the request does not say
    #[arg(long, env, default_value_t = 20, value_parser = value_parser!(u32).range(1..=1000))]
    pub default_sessions_per_page: u32,

    /// How many sessions a page holds at most
    #[arg(long, env, default_value_t = 50, value_parser = value_parser!(u32).range(1..=1000))]
    pub max_sessions_per_page: u32,

    /// How many messages a page holds if the request does not say
    #[arg(long, env, default_value_t = 20, value_parser = value_parser!(u32).range(1..=1000))]
    pub default_messages_per_page: u32,

    /// How many messages a page holds at most
    #[arg(long, env, default_value_t = 100, value_parser = value_parser!(u32).range(1..=1000))]
    pub max_messages_per_page: u32,

    /// How many characters a session's title may have
    #[arg(long, env, default_value_t = 200, value_parser = value_parser!(u32).range(1..=1000))]
    pub max_title_chars: u32,

    /// How many characters a question may have
    #[arg(long, env, default_value_t = 8_000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub max_question_chars: u32,

    /// How many bytes an imported file may have
    #[arg(long, env, default_value_t = 1 << 30, value_parser = value_parser!(u64).range(1..))]
    pub max_import_bytes: u64,

    /// How many files are received and stored at once
    #[arg(long, env, default_value_t = 8, value_parser = value_parser!(u32).range(1..=1000))]
    pub max_concurrent_imports: u32,

    /// How many of them may be one user's
    #[arg(long, env, default_value_t = 2, value_parser = value_parser!(u32).range(1..=1000))]
    pub max_concurrent_imports_per_user: u32,

    /// How many questions of a session may wait for their turn
    #[arg(long, env, default_value_t = 100, value_parser = value_parser!(u32).range(0..=100_000))]
    pub max_queued_runs_per_session: u32,

    /// How many runs of a user may go on at once; any number if not set
    #[arg(long, env, value_parser = value_parser!(u32).range(1..))]
    pub max_running_runs_per_user: Option<u32>,

    /// How many runs a user may start a day, from midnight UTC; any number if not set
    #[arg(long, env, value_parser = value_parser!(u32).range(1..))]
    pub max_runs_per_user_per_day: Option<u32>,

    /// How many tokens of models a user's runs of a day, from midnight UTC, may use
    /// before no more are started; any number if not set
    #[arg(long, env, value_parser = value_parser!(u32).range(1..))]
    pub max_tokens_per_user_per_day: Option<u32>,
}

impl LimitSettings {
    /// Checks what can't be checked value by value.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.default_sessions_per_page <= self.max_sessions_per_page,
            "DEFAULT_SESSIONS_PER_PAGE is larger than MAX_SESSIONS_PER_PAGE"
        );
        ensure!(
            self.default_messages_per_page <= self.max_messages_per_page,
            "DEFAULT_MESSAGES_PER_PAGE is larger than MAX_MESSAGES_PER_PAGE"
        );
        ensure!(
            self.max_concurrent_imports_per_user <= self.max_concurrent_imports,
            "MAX_CONCURRENT_IMPORTS_PER_USER is larger than MAX_CONCURRENT_IMPORTS"
        );
        Ok(())
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            pages: PageLimits {
                default_sessions: self.default_sessions_per_page,
                max_sessions: self.max_sessions_per_page,
                default_messages: self.default_messages_per_page,
                max_messages: self.max_messages_per_page,
            },
            texts: TextLimits { title: self.max_title_chars, question: self.max_question_chars },
            imports: ImportLimits {
                max_bytes: self.max_import_bytes,
                at_once: Bounds {
                    in_all: self.max_concurrent_imports,
                    of_a_user: self.max_concurrent_imports_per_user,
                },
            },
            max_queued_runs: self.max_queued_runs_per_session,
            quotas: Quotas {
                running: self.max_running_runs_per_user,
                runs_a_day: self.max_runs_per_user_per_day,
                tokens_a_day: self.max_tokens_per_user_per_day,
            },
        }
    }
}
