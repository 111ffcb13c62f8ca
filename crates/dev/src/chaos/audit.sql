-- What the harness adds to its own copy of Tertulia's database, beside the product's tables:
-- a record of who claimed, admitted and ended each run. Each process logs in with a role of its
-- own, and the functions run with the harness' rights, so session_user tells who it was.

CREATE SCHEMA chaos;

CREATE TABLE chaos.claims (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL,
    fence_before bigint NOT NULL,
    fence bigint NOT NULL,
    role text NOT NULL DEFAULT session_user,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON chaos.claims (run_id, id);

CREATE TABLE chaos.admissions (
    run_id bigint NOT NULL,
    chat_session_id bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON chaos.admissions (run_id);

-- A run that was ended twice has two rows.
CREATE TABLE chaos.ends (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL,
    state text NOT NULL,
    fence_before bigint,
    fence bigint NOT NULL,
    role text NOT NULL DEFAULT session_user,
    -- Whose claim was the latest.
    claimed_by text,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON chaos.ends (run_id);

-- Processes that were killed, stopped, or cut off from Postgres.
CREATE TABLE chaos.hits (
    role text NOT NULL,
    is_kill boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- When which fault was active.
CREATE TABLE chaos.windows (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fault text NOT NULL,
    began timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz
);

-- Whether one of these faults was active in a time; its consequences may last a little longer.
CREATE FUNCTION chaos.met(since timestamptz, until timestamptz, VARIADIC faults text[])
    RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM chaos.windows w
        WHERE w.fault = ANY (faults) AND since < w.ended + interval '2 seconds'
            AND w.began < until + interval '1 second')
$$;

CREATE FUNCTION chaos.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- An insert has no row before it.
    IF TG_OP = 'UPDATE' AND NEW.ended_at IS NULL
        AND (NEW.fence <> OLD.fence OR NEW.attempts > OLD.attempts) THEN
        INSERT INTO chaos.claims (run_id, fence_before, fence)
        VALUES (NEW.id, OLD.fence, NEW.fence);
    END IF;
    IF NEW.admitted_at IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.admitted_at IS NULL) THEN
        INSERT INTO chaos.admissions (run_id, chat_session_id)
        VALUES (NEW.id, NEW.chat_session_id);
    END IF;
    IF NEW.ended_at IS NOT NULL
        AND (TG_OP = 'INSERT' OR OLD.ended_at IS DISTINCT FROM NEW.ended_at) THEN
        INSERT INTO chaos.ends (run_id, state, fence_before, fence, claimed_by)
        VALUES (NEW.id, NEW.state, OLD.fence, NEW.fence, (
            SELECT role FROM chaos.claims WHERE run_id = NEW.id ORDER BY id DESC LIMIT 1
        ));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER chaos_record_change AFTER INSERT OR UPDATE ON public.runs
    FOR EACH ROW EXECUTE FUNCTION chaos.record_change();

-- Holds a transaction that answers a marked question open for a while, so that its worker can be
-- killed or stopped before it commits.
CREATE FUNCTION chaos.commit_slowly() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.runs WHERE id = NEW.run_id AND question LIKE '%slow\_commit%'
    ) THEN
        PERFORM pg_sleep(0.3);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER chaos_commit_slowly AFTER INSERT ON public.messages
    FOR EACH ROW WHEN (NEW.role = 'assistant') EXECUTE FUNCTION chaos.commit_slowly();
