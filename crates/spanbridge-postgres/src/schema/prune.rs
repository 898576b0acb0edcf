//! The statements that make what removes old runs.
//!
//! `pruning` is how far runs were removed: `before` only grows. Whoever stores records looks at it, and at `pruned`, so that no half of a
//! run comes back. It does so with the table `run` locked as for an insert, and a step of pruning locks that against inserts, so each
//! sees what the other has done.

/// How long it is remembered which runs were removed, in days: as far back as [days](super::days) go.
const REMEMBERED: i32 = 400;

const UNTIL: &str = "extract(epoch FROM before::timestamp AT TIME ZONE 'UTC')::bigint * 1000000000";

pub(super) fn all() -> String {
    let (until, rest) = (UNTIL, rest());
    format!(
        "\
CREATE TABLE pruned (run uuid PRIMARY KEY, last_at bigint NOT NULL);
CREATE TABLE pruning (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only), before date NOT NULL, changes_forgotten bigint);
CREATE FUNCTION prune_from(before date) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $prune$
    INSERT INTO pruning (before) VALUES (before)
        ON CONFLICT (is_only) DO UPDATE SET before = greatest(pruning.before, excluded.before);
$prune$;
CREATE FUNCTION prune_day(one date, before date, keep uuid[], OUT runs bigint, OUT spans bigint) LANGUAGE plpgsql
SET search_path FROM CURRENT AS $prune$
DECLARE
    until bigint := {until};
    gone uuid[];
    changed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('spanbridge ' || current_schema(), 0));
    LOCK TABLE run IN SHARE ROW EXCLUSIVE MODE;
    SELECT coalesce(array_agg(r.run), '{{}}'), count(*), coalesce(sum(r.spans), 0) INTO gone, runs, spans
        FROM run r WHERE r.day = one AND r.last_at < until AND NOT EXISTS (SELECT FROM unnest(keep) k WHERE k = r.run);
    IF runs = 0 THEN
        RETURN;
    END IF;
    INSERT INTO pruned SELECT r.run, r.last_at FROM run r WHERE r.run IN (SELECT unnest(gone))
        ON CONFLICT (run) DO UPDATE SET last_at = greatest(pruned.last_at, excluded.last_at);
    SELECT max(r.last_at) INTO changed FROM run r
        WHERE r.run IN (SELECT unnest(gone)) AND r.run IN (SELECT m.run FROM mention m WHERE m.kind = 'm');
    UPDATE pruning SET changes_forgotten = greatest(changes_forgotten, changed) WHERE changed IS NOT NULL;
    DELETE FROM run r WHERE r.run IN (SELECT unnest(gone));
    IF EXISTS (SELECT FROM run r WHERE r.day = one) THEN
        DELETE FROM record WHERE day = one AND run IN (SELECT unnest(gone));
    ELSE
        EXECUTE format('DROP TABLE IF EXISTS %I', 'record_' || to_char(one, 'YYYYMMDD'));
    END IF;
END $prune$;
{rest};
CREATE FUNCTION prune(before date) RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $prune$
DECLARE
    one date;
    total bigint := 0;
BEGIN
    PERFORM prune_from(before);
    FOR one IN SELECT DISTINCT r.day FROM run r WHERE r.day < before AND r.last_at < {until} ORDER BY 1 LOOP
        total := total + (SELECT p.runs FROM prune_day(one, before, '{{}}') p);
    END LOOP;
    PERFORM prune_rest(before);
    RETURN total;
END $prune$"
    )
}

/// What removes the rest of runs that are gone. That of the second version left mentions of receivers.
pub(super) fn rest() -> String {
    let (until, day) = (UNTIL, 86_400_000_000_000_i64);
    format!(
        "\
CREATE OR REPLACE FUNCTION prune_rest(before date) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $prune$
DECLARE
    until bigint := {until};
    changed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('spanbridge ' || current_schema(), 0));
    LOCK TABLE run IN SHARE ROW EXCLUSIVE MODE;
    SELECT max(coalesce(r.at, r.near_last)) INTO changed FROM record r JOIN shape s ON s.id = r.shape
        WHERE r.day < '2000-01-01' AND s.type = 'mutation' AND coalesce(r.at, r.near_last) BETWEEN 1 AND until - 1;
    UPDATE pruning SET changes_forgotten = greatest(changes_forgotten, changed) WHERE changed IS NOT NULL;
    DELETE FROM record WHERE day < '2000-01-01' AND coalesce(at, near_last) BETWEEN 1 AND until - 1;
    DELETE FROM mention m WHERE NOT EXISTS (SELECT FROM run r WHERE r.run = m.run) AND (m.kind IN ('m', 's')
        OR NOT EXISTS (SELECT FROM run r WHERE r.run = m.id) AND NOT EXISTS (
            SELECT FROM mention other JOIN run r ON r.run = other.run WHERE other.id = m.id AND other.kind <> 'm'));
    DELETE FROM pruned WHERE last_at < until - {REMEMBERED} * {day};
END $prune$"
    )
}
