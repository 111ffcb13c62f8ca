//! What the harness can take out of its own database, to show that it would see the loss.

use clap::ValueEnum;

/// A mechanism of the product that SQL can take out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mechanism {
    /// The unique keys on messages, and the one on a session's admitted run
    UniqueKeys,
    /// The condition, in the statement that admits a run, that its session has no other
    AdmissionCondition,
    /// Now and then, the rise of a session's counter of messages
    MessageCounter,
    /// The fence: it does not rise any more
    Fence,
    /// The wake-ups in the database: no run becomes due
    WakeUps,
}

impl Mechanism {
    /// The statements that take it out.
    pub(super) fn removal(self) -> &'static str {
        match self {
            Self::UniqueKeys => UNIQUE_KEYS,
            Self::AdmissionCondition => ADMISSION_CONDITION,
            Self::MessageCounter => MESSAGE_COUNTER,
            Self::Fence => FENCE,
            Self::WakeUps => WAKE_UPS,
        }
    }
}

/// Plain indexes in their place keep the product as fast as it was.
const UNIQUE_KEYS: &str = "
    ALTER TABLE messages DROP CONSTRAINT messages_run_id_role_key,
        DROP CONSTRAINT messages_chat_session_id_sequence_order_key;
    CREATE INDEX ON messages (run_id, role);
    CREATE INDEX ON messages (chat_session_id, sequence_order);
    DROP INDEX runs_chat_session_id_admitted_key;
    CREATE INDEX ON runs (chat_session_id) WHERE admitted_at IS NOT NULL AND ended_at IS NULL";

/// Hides the runs that are admitted from that statement, and from no other.
const ADMISSION_CONDITION: &str = "
    CREATE POLICY chaos_hide_admitted ON public.runs USING (
        position('head AS (' IN current_query()) = 0 OR admitted_at IS NULL
            OR ended_at IS NOT NULL OR statement_timestamp() <= admitted_at);
    ALTER TABLE public.runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY";

/// As if another transaction had overwritten it.
const MESSAGE_COUNTER: &str = "
    CREATE FUNCTION chaos.keep_counter() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.total_messages := OLD.total_messages;
        RETURN NEW;
    END $$;
    CREATE TRIGGER chaos_keep_counter BEFORE UPDATE OF total_messages ON public.chat_sessions
        FOR EACH ROW WHEN (0 < OLD.total_messages AND random() < 0.05)
        EXECUTE FUNCTION chaos.keep_counter()";

const FENCE: &str = "
    CREATE FUNCTION chaos.keep_fence() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.fence := OLD.fence;
        RETURN NEW;
    END $$;
    CREATE TRIGGER chaos_keep_fence BEFORE UPDATE ON public.runs
        FOR EACH ROW EXECUTE FUNCTION chaos.keep_fence()";

const WAKE_UPS: &str = "
    CREATE FUNCTION chaos.never_wake() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.wake_at := NEW.wake_at + interval '100 years';
        RETURN NEW;
    END $$;
    CREATE TRIGGER chaos_never_wake BEFORE INSERT OR UPDATE OF wake_at ON public.runs
        FOR EACH ROW WHEN (NEW.wake_at < '2100-01-01') EXECUTE FUNCTION chaos.never_wake()";
