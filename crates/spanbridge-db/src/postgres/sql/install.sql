-- spanbridge: keeps the rows that statements change, until a process with spanbridge collects them.
--
-- Run it as a role that may create a schema in this database; it need not be a superuser. Running it again changes nothing that
-- is there, or brings it up to date. Then choose tables: SELECT spanbridge.watch('orders'). `remove.sql` removes all of it.
-- Needs PostgreSQL 14 or newer.
--
-- Nothing here makes a statement of yours fail or wait. Triggers write in the transaction of the statement, so what is rolled
-- back leaves nothing. The function of the triggers runs with the rights of who runs the statement, with a fixed search_path,
-- catches every error but the cancellation of the statement, and waits at most 50 ms for a lock.

SELECT pg_advisory_xact_lock(7236841290124);

CREATE SCHEMA IF NOT EXISTS spanbridge;
GRANT USAGE ON SCHEMA spanbridge TO PUBLIC;

-- One row. `keep`: number of changes that are kept if nobody collects them.
CREATE TABLE IF NOT EXISTS spanbridge.installation (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    version integer NOT NULL,
    keep bigint NOT NULL DEFAULT 100000,
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO spanbridge.installation (version) VALUES (1) ON CONFLICT (one) DO UPDATE SET version = 1;
GRANT SELECT ON spanbridge.installation TO PUBLIC;

-- A changed row each; or how many could not be kept: `lost` (too many) and `failed` (`note` is the SQLSTATE). If the `note` of a
-- row is `hook`, its values are recorded only by a process that has a redaction hook.
-- `flags` of a column: 1 = it changed, 2 = its values are left out, from 4 on: 4 * its place in the key; from 4000 on, there is
-- no key, and it is a part of the row.
CREATE TABLE IF NOT EXISTS spanbridge.mutations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    depth smallint NOT NULL DEFAULT 1,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    op text NOT NULL,
    source text NOT NULL DEFAULT '',
    context text,
    columns text[],
    types oid[],
    flags smallint[],
    before text[],
    after text[],
    before_sizes integer[],
    after_sizes integer[],
    count bigint,
    note text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
-- Everybody may add to it, so that nobody's change is missed. Only its owner may read it; GRANT SELECT, DELETE ON
-- spanbridge.mutations and SELECT ON spanbridge.installation to another role that shall collect.
REVOKE INSERT ON spanbridge.mutations FROM PUBLIC;
GRANT INSERT (op, depth, source, context, columns, types, flags, before, after, before_sizes, after_sizes, count, note)
    ON spanbridge.mutations TO PUBLIC;

-- What is kept of one row: its key, and the columns that changed; all columns if the key did. No row if nothing changed.
CREATE OR REPLACE FUNCTION spanbridge.kept(
    before jsonb, after jsonb, names text[], types oid[], flags smallint[], max_length integer
) RETURNS TABLE (
    columns text[], types oid[], flags smallint[], before text[], after text[], before_sizes integer[], after_sizes integer[]
) LANGUAGE sql STABLE AS $kept$
    SELECT array_agg(c.name), array_agg(c.type), array_agg((c.flags | v.changed)::smallint),
           array_agg(CASE WHEN c.flags & 2 = 0 THEN left(v.before, v.fits)
               || CASE WHEN v.hashes AND length(v.before) > v.fits THEN '#' || to_hex(hashtextextended(v.before, 0)) ELSE '' END END),
           array_agg(CASE WHEN c.flags & 2 = 0 THEN left(v.after, v.fits)
               || CASE WHEN v.hashes AND length(v.after) > v.fits THEN '#' || to_hex(hashtextextended(v.after, 0)) ELSE '' END END),
           CASE WHEN bool_or(length(v.before) > v.fits) THEN
               array_agg(CASE WHEN length(v.before) > v.fits THEN
                   CASE c.type WHEN 17 THEN (length(v.before) - 2) / 2 ELSE octet_length(v.before) END END) END,
           CASE WHEN bool_or(length(v.after) > v.fits) THEN
               array_agg(CASE WHEN length(v.after) > v.fits THEN
                   CASE c.type WHEN 17 THEN (length(v.after) - 2) / 2 ELSE octet_length(v.after) END END) END
    FROM unnest($3, $4, $5) AS c (name, type, flags),
         LATERAL (SELECT $1 ->> c.name, $2 ->> c.name,
             -- A value of type bytea is shown with two digits for each byte, after `\x`. Numbers and truth values are kept
             -- whole, and times whatever the form of their text. What is cut of a key has a hash, since two rows must not become one.
             c.flags BETWEEN 4 AND 3999,
             CASE WHEN c.flags BETWEEN 4 AND 3999 THEN greatest($6, 6002) WHEN c.type = 17 THEN 130 WHEN c.flags >= 4 OR c.type IN (16, 20, 21, 23, 26, 700, 701)
                  THEN greatest($6, 3000) WHEN c.type IN (1114, 1184) THEN greatest($6, 40) ELSE $6 END,
             CASE WHEN ($1 ->> c.name) IS DISTINCT FROM ($2 ->> c.name) THEN 1 ELSE 0 END
         ) AS v (before, after, hashes, fits, changed)
    WHERE $1 IS NULL OR $2 IS NULL OR c.flags >= 4 OR v.changed = 1 OR EXISTS (
        SELECT FROM unnest($3, $5) AS k (name, flags)
        WHERE k.flags BETWEEN 4 AND 3999 AND ($1 ->> k.name) IS DISTINCT FROM ($2 ->> k.name))
    HAVING $1 IS NULL OR $2 IS NULL OR bool_or(v.changed = 1)
$kept$;

-- The function of the triggers. Its arguments: `keys` or `values`; the names of the columns to leave out; the characters that are
-- kept of a text; the rows that are kept of a statement; whether a redaction hook must see the values; the numbers of the columns
-- to leave out, so that they may be renamed.
CREATE OR REPLACE FUNCTION spanbridge.capture() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $capture$
DECLARE
    context text;
    source text;
    hook text;
    names text[];
    types oid[];
    flags smallint[];
    max_length integer;
    max_rows bigint;
    rows bigint;
    more bigint;
BEGIN
    BEGIN
        context := nullif(current_setting('spanbridge.context', true), '');
        -- The rows of a partition belong to the table that is partitioned.
        SELECT n.nspname || '.' || c.relname INTO source
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = coalesce(pg_partition_root(TG_RELID), TG_RELID);
        IF TG_OP = 'TRUNCATE' THEN
            -- A partition that is emptied is not its table. If that is emptied, its own trigger tells it once for all of them.
            IF pg_partition_root(TG_RELID) IS DISTINCT FROM TG_RELID AND pg_partition_root(TG_RELID) IS NOT NULL THEN
                SELECT n.nspname || '.' || c.relname INTO source
                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = TG_RELID;
            END IF;
            INSERT INTO spanbridge.mutations (op, depth, source, context)
                VALUES ('truncate', pg_trigger_depth(), source, context);
            RETURN NULL;
        END IF;
        max_length := TG_ARGV[2]::integer;
        max_rows := TG_ARGV[3]::bigint;
        hook := CASE WHEN TG_ARGV[4] = 'true' THEN 'hook' END;
        -- Asked each time, so that columns may come, go and be renamed. Without a primary key and a replica identity, the key is
        -- the whole row.
        SELECT array_agg(a.attname::text ORDER BY a.attnum),
               array_agg(coalesce(nullif(t.typbasetype, 0), t.oid) ORDER BY a.attnum),
               array_agg((4 * CASE WHEN k.columns IS NOT NULL THEN coalesce(array_position(k.columns, a.attnum), 0)
                                   WHEN TG_ARGV[0] = 'values' THEN 1000 + a.attnum ELSE 0 END
                   | CASE WHEN lower(a.attname) = ANY (lower(TG_ARGV[1])::text[]) OR a.attnum = ANY (TG_ARGV[5]::smallint[])
                          OR TG_ARGV[0] <> 'values' AND coalesce(a.attnum <> ALL (k.columns), true) THEN 2 ELSE 0 END
                   )::smallint ORDER BY a.attnum)
            INTO names, types, flags
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN (
                SELECT ARRAY(SELECT u FROM unnest(i.indkey) WITH ORDINALITY AS u (u, n)
                             WHERE u.n <= i.indnkeyatts ORDER BY u.n) AS columns
                FROM pg_index i WHERE i.indrelid = TG_RELID AND (i.indisprimary OR i.indisreplident)
                ORDER BY i.indisprimary DESC LIMIT 1
            ) k ON true
            WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped;
        IF TG_OP = 'INSERT' THEN
            INSERT INTO spanbridge.mutations
                (op, depth, source, context, note, columns, types, flags, before, after, before_sizes, after_sizes)
                SELECT 'insert', pg_trigger_depth(), source, context, hook, k.*
                FROM (SELECT to_jsonb(t.*) AS new FROM spanbridge_new t LIMIT max_rows) r,
                     LATERAL spanbridge.kept(NULL, r.new, names, types, flags, max_length) k;
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO spanbridge.mutations
                (op, depth, source, context, note, columns, types, flags, before, after, before_sizes, after_sizes)
                SELECT 'delete', pg_trigger_depth(), source, context, hook, k.*
                FROM (SELECT to_jsonb(t.*) AS old FROM spanbridge_old t LIMIT max_rows) r,
                     LATERAL spanbridge.kept(r.old, NULL, names, types, flags, max_length) k;
        ELSE
            -- The server puts the old and the new row of each update into the two tables at the same time.
            INSERT INTO spanbridge.mutations
                (op, depth, source, context, note, columns, types, flags, before, after, before_sizes, after_sizes)
                SELECT 'update', pg_trigger_depth(), source, context, hook, k.*
                FROM (SELECT row_number() OVER () AS n, to_jsonb(t.*) AS old FROM spanbridge_old t LIMIT max_rows) o
                JOIN (SELECT row_number() OVER () AS n, to_jsonb(t.*) AS new FROM spanbridge_new t LIMIT max_rows) w USING (n),
                     LATERAL spanbridge.kept(o.old, w.new, names, types, flags, max_length) k;
        END IF;
        GET DIAGNOSTICS rows = ROW_COUNT;
        IF rows >= max_rows THEN
            IF TG_OP = 'INSERT' THEN
                SELECT count(*) INTO more FROM spanbridge_new;
            ELSE
                SELECT count(*) INTO more FROM spanbridge_old;
            END IF;
            IF more > max_rows THEN
                INSERT INTO spanbridge.mutations (op, source, context, count)
                    VALUES ('lost', source, context, more - max_rows);
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        BEGIN
            INSERT INTO spanbridge.mutations (op, source, context, count, note)
                VALUES ('failed', coalesce(source, TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME), context, 1, SQLSTATE);
        EXCEPTION WHEN OTHERS THEN
            RAISE LOG 'spanbridge: a change of %.% was not kept: SQLSTATE %', TG_TABLE_SCHEMA, TG_TABLE_NAME, SQLSTATE;
        END;
    END;
    -- About once for a thousand rows, by the microseconds of the clock: `random()` would be another number than without us for whoever
    -- has called `setseed`. Under a stricter isolation, reading what others write could make the transaction fail.
    BEGIN
        IF mod((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 1000) < rows AND current_setting('transaction_isolation') = 'read committed' THEN
            PERFORM spanbridge.forget_oldest();
        END IF;
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    RETURN NULL;
END
$capture$;

-- Removes what is beyond the bound, and notes how much that was. The writer has no right to do so, therefore it runs with the
-- rights of its owner; it takes no argument, and looks at no value that somebody wrote.
CREATE OR REPLACE FUNCTION spanbridge.forget_oldest() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $forget$
    WITH gone AS (
        DELETE FROM spanbridge.mutations WHERE id = ANY (ARRAY(
            SELECT m.id FROM spanbridge.mutations m
            WHERE m.id <= (SELECT max(newest.id) FROM spanbridge.mutations newest) - (SELECT i.keep FROM spanbridge.installation i)
            ORDER BY m.id LIMIT 5000 FOR UPDATE SKIP LOCKED
        )) RETURNING count
    )
    INSERT INTO spanbridge.mutations (op, count)
        -- Anybody may have written any number.
        SELECT 'lost', least(sum(greatest(gone.count, 1)), 9223372036854775807)::bigint FROM gone HAVING count(*) > 0
$forget$;

-- Begins to keep the changes of a table, and of its partitions. Partitions that are added later need a call of their own. Called
-- again, it changes the settings. What is left out is stored nowhere, whoever collects. `hook`: a process without a redaction hook
-- records no values of this table.
DROP FUNCTION IF EXISTS spanbridge.watch(regclass, text, text[], integer, bigint);
CREATE OR REPLACE FUNCTION spanbridge.watch(
    target regclass, capture text DEFAULT 'values', redact text[] DEFAULT '{}',
    max_length integer DEFAULT 256, max_rows bigint DEFAULT 10000, hook boolean DEFAULT false
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $watch$
DECLARE
    one regclass;
    event text[];
    name text;
    numbers smallint[];
BEGIN
    redact := coalesce(lower(redact::text)::text[], '{}');
    hook := coalesce(hook, false);
    IF capture NOT IN ('keys', 'values') THEN
        RAISE EXCEPTION 'capture is ''keys'' or ''values'', not %', quote_literal(capture);
    END IF;
    IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.oid = target AND (n.nspname = 'spanbridge' OR c.relkind NOT IN ('r', 'p'))) THEN
        RAISE EXCEPTION '% is no table whose changes can be kept', target;
    END IF;
    FOREACH name IN ARRAY redact LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND lower(a.attname) = name) THEN
            RAISE WARNING '% has no column %, so nothing of it is left out', target, quote_ident(name);
        END IF;
    END LOOP;
    FOR one IN SELECT target UNION SELECT relid FROM pg_partition_tree(target) LOOP
        numbers := ARRAY(SELECT a.attnum FROM pg_attribute a
                         WHERE a.attrelid = one AND a.attnum > 0 AND lower(a.attname) = ANY (redact) ORDER BY a.attnum);
        FOREACH event SLICE 1 IN ARRAY ARRAY[
            ['INSERT', 'REFERENCING NEW TABLE AS spanbridge_new'],
            ['UPDATE', 'REFERENCING OLD TABLE AS spanbridge_old NEW TABLE AS spanbridge_new'],
            ['DELETE', 'REFERENCING OLD TABLE AS spanbridge_old'],
            ['TRUNCATE', '']
        ] LOOP
            EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT '
                'EXECUTE FUNCTION spanbridge.capture(%L, %L, %L, %L, %L, %L)',
                'spanbridge_' || lower(event[1]), event[1], one, event[2], capture, redact, max_length, max_rows,
                hook::text, numbers);
        END LOOP;
    END LOOP;
END
$watch$;

-- Keeps no more changes of a table and its partitions.
CREATE OR REPLACE FUNCTION spanbridge.unwatch(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $unwatch$
DECLARE
    one regclass;
    event text;
BEGIN
    FOR one IN SELECT target UNION SELECT relid FROM pg_partition_tree(target) LOOP
        FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
            EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', 'spanbridge_' || event, one);
        END LOOP;
    END LOOP;
END
$unwatch$;
