//! A database that comes from a backup does not know what was done after it: which ids were
//! given out, and what workers and NATS still hold of the runs that it takes for unfinished.

use sea_orm_migration::sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr};

/// More ids than are given out between two backups. An id that was given out after the backup
/// is never given again: events on NATS, clients and data sets' schemas may be named after it.
/// A fence and a publication are new to whoever has seen those after the backup, too; the
/// attempts that were going on did not fail; a lease that was taken away is of the epoch, so
/// that it is not taken away again.
const CATCH_UP: &str = "
    DO $$
    DECLARE sequence regclass;
    BEGIN
        FOR sequence IN
            SELECT oid FROM pg_class
             WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
        LOOP
            PERFORM setval(sequence, nextval(sequence) + 1000000000);
        END LOOP;
    END $$;
    UPDATE runs SET fence = fence + 1000, publications = publications + 1000,
        attempts = greatest(attempts - coalesce('epoch' < lease_expires_at, false)::int, 0),
        lease_expires_at = CASE WHEN lease_expires_at IS NOT NULL THEN 'epoch'::timestamptz END,
        updated_at = now(), wake_at = now()
     WHERE ended_at IS NULL";

pub(crate) async fn catch_up(db: &DatabaseConnection) -> Result<(), DbErr> {
    // Several statements without a parameter are one transaction.
    db.execute_unprepared(CATCH_UP).await?;
    Ok(())
}
