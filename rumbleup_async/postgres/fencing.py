"""The functions in the database that count contacts, fence owners who are dead, and take the proof that a fenced one brings.

Lives here: their text, in PL/pgSQL, and the numbers of the locks that say who lives.
"""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = 0x52554153
"""The first half of the advisory locks that processes hold as long as they live; the second is their session."""
SENDING: Final = 0x52554152
"""The first half of the lock of the one process that is in charge of a run; the second is the run."""
HELD: Final = f"""EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = {NAMESPACE} AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.objid = o.session::oid
    AND l.objsubid = 2)"""
"""Whether the process of an owner `o` holds its lock."""
IN_CHARGE: Final = f"""SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = {SENDING} AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.objid = %s::int::oid
    AND l.objsubid = 2)"""
"""Whether a process is in charge of this run."""

COUNTS: Final = """
-- Each is in PL/pgSQL, also where SQL would do: the plan of a function in SQL is made anew with each call.
SET LOCAL search_path = {schema};

CREATE OR REPLACE FUNCTION durable() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- A server, a role or a database may have it off by default: then a commit that was told could be lost with the power.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION counts_of(_run integer) RETURNS bigint[] LANGUAGE plpgsql AS $$ BEGIN
    RETURN (SELECT array[r.counts[1] + o.a, r.counts[2] + o.b, r.counts[3] + o.c, r.counts[4] + o.d, r.counts[5] + o.e,
                 r.counts[6] + o.f, r.counts[7] + o.g]
    FROM {schema}.run r, (SELECT coalesce(sum(counts[1]), 0)::bigint a, coalesce(sum(counts[2]), 0)::bigint b,
            coalesce(sum(counts[3]), 0)::bigint c, coalesce(sum(counts[4]), 0)::bigint d, coalesce(sum(counts[5]), 0)::bigint e,
            coalesce(sum(counts[6]), 0)::bigint f, coalesce(sum(counts[7]), 0)::bigint g
        FROM {schema}.owner WHERE run = _run AND NOT fenced) o
    WHERE r.id = _run);
END $$;

-- Add so many contacts to each state, as far as this owner counts them.
CREATE OR REPLACE FUNCTION count_for(_owner integer, _delta bigint[]) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    UPDATE {schema}.owner SET counts = (
        SELECT array_agg(a + b ORDER BY n) FROM unnest(counts, _delta) WITH ORDINALITY AS v(a, b, n)) WHERE id = _owner;
END $$;

-- Add so many contacts to each state of a run.
CREATE OR REPLACE FUNCTION count_in(_run integer, _delta bigint[]) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    UPDATE {schema}.run SET counts = (
        SELECT array_agg(a + b ORDER BY n) FROM unnest(counts, _delta) WITH ORDINALITY AS v(a, b, n)) WHERE id = _run;
END $$;

-- Whoever takes a run away takes its contacts along.
CREATE OR REPLACE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM {schema}.contact WHERE run = OLD.id;
    DELETE FROM {schema}.kept WHERE run = OLD.id;
    DELETE FROM {schema}.kind WHERE run = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER forget AFTER DELETE ON {schema}.run FOR EACH ROW EXECUTE FUNCTION {schema}.forget();
"""

FENCING: Final = """
-- Until when an owner is not taken for dead. A server that has begun anew gives everybody a whole lease to come back.
CREATE OR REPLACE FUNCTION lasts_until(_owner {schema}.owner) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT CASE WHEN _owner.until = 'epoch' THEN _owner.until
        ELSE greatest(_owner.until, pg_postmaster_start_time() + make_interval(secs => _owner.lease)) END
$$;

-- Take what a fenced owner brings as proof: what is in doubt and was its own is sent if it has a logid.
CREATE OR REPLACE FUNCTION believe(
    _run integer, _owner integer, _rows integer[], _states smallint[], _attempts integer[], _logids text[], _codes text[],
    _details text[], _times bigint[]
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    v record; c record;
    moved bigint[] := '{{0,0,0,0,0,0,0}}';
    results json[] := '{{}}';
    parts bigint := 0;
BEGIN
    FOR v IN SELECT * FROM unnest(_rows, _states, _attempts, _logids, _codes, _details, _times)
            AS g(row, state, attempts, logid, code, detail, time) WHERE g.state = 2 AND g.logid <> '' ORDER BY g.row LOOP
        SELECT k.*, a.row IS NOT NULL AS is_again, coalesce(a.earlier = _owner, false) AS is_earlier INTO c
            FROM {schema}.contact k LEFT JOIN {schema}.again a ON a.run = k.run AND a.row = k.row
            WHERE k.run = _run AND k.row = v.row AND (k.owner = _owner OR a.earlier = _owner) FOR UPDATE OF k;
        CONTINUE WHEN NOT FOUND;
        IF c.state = 1 AND c.is_earlier AND c.owner <> _owner THEN
            -- The second text is under way. If it comes back unsent, the first was sent after all.
            UPDATE {schema}.again SET logid = v.logid WHERE run = _run AND row = v.row;
            CONTINUE;
        END IF;
        CONTINUE WHEN NOT (c.state = 6 OR (c.state = 5 AND c.code = 'absent') OR (c.state = 0 AND c.is_again));
        UPDATE {schema}.contact SET state = 2, attempts = v.attempts, logid = v.logid, code = nullif(v.code, ''),
            detail = nullif(v.detail, ''), time = nullif(v.time, 0) WHERE run = _run AND row = v.row;
        moved[c.state + 1] := moved[c.state + 1] - 1;
        moved[3] := moved[3] + 1;
        IF c.state <> 6 THEN
            parts := parts + greatest(c.segments, 1);
        END IF;
        results := results || json_build_array(v.row, c.phone, c.state, v.attempts, v.logid, v.code, v.detail, v.time);
    END LOOP;
    IF cardinality(results) > 0 THEN
        PERFORM {schema}.count_in(_run, moved);
        IF parts > 0 THEN
            PERFORM {schema}.count_segments(_run, parts, parts);
        END IF;
    END IF;
    RETURN array_to_json(results);
END $$;

-- Fence an owner, and make what it has open unknown. `_only_dead`: unless its lease still lasts, or its process holds its lock.
CREATE OR REPLACE FUNCTION expire(_run integer, _owner integer, _only_dead boolean, _code text, _now bigint)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    mine {schema}.owner;
    rows integer[];
    results json;
    number bigint;
BEGIN
    PERFORM {schema}.durable();
    SELECT * INTO mine FROM {schema}.owner WHERE id = _owner AND run = _run AND NOT fenced FOR UPDATE;
    IF NOT FOUND THEN RETURN json_build_object('results', '[]'::json, 'counts', {schema}.counts_of(_run)); END IF;
    IF _only_dead AND ({schema}.lasts_until(mine) > clock_timestamp()
            OR NOT pg_try_advisory_xact_lock({namespace}, mine.session)) THEN
        RETURN json_build_object('results', '[]'::json, 'counts', {schema}.counts_of(_run));
    END IF;
    -- What it has open lies before what it opened last, and near that: the list is read in its order. All contacts are gone
    -- through only where they are not all found there.
    rows := ARRAY(SELECT c.row FROM {schema}.contact c WHERE c.run = _run AND c.state = 1 AND c.owner = _owner
        AND c.row <= coalesce((SELECT max(o) FROM unnest(mine.opened) AS o), 2147483647)
        ORDER BY c.row DESC LIMIT mine.counts[2]);
    IF cardinality(rows) <> mine.counts[2] THEN
        rows := ARRAY(SELECT c.row FROM {schema}.contact c WHERE c.run = _run AND c.state = 1 AND c.owner = _owner);
    END IF;
    WITH gone AS (
        UPDATE {schema}.contact c SET state = 6, code = _code, detail = NULL
        FROM unnest(rows) AS v(row), LATERAL (SELECT k.ctid FROM {schema}.contact k
            WHERE k.run = _run AND k.row = v.row AND k.state = 1 AND k.owner = _owner OFFSET 0) AS k
        WHERE c.ctid = k.ctid RETURNING c.row, phone, logid, attempts, time)
    SELECT coalesce(json_agg(json_build_array(row, phone, coalesce(logid, ''), attempts, coalesce(time, 0)) ORDER BY row), '[]'),
        count(*) INTO results, number FROM gone;
    -- What it has counted is the run's from now on.
    PERFORM {schema}.count_in(_run, array[mine.counts[1], mine.counts[2] - number, mine.counts[3], mine.counts[4],
        mine.counts[5], mine.counts[6], mine.counts[7] + number]);
    UPDATE {schema}.owner SET fenced = true, counts = '{{0,0,0,0,0,0,0}}' WHERE id = _owner;
    IF number > 0 THEN
        INSERT INTO {schema}.fact VALUES (_run, 'recovered', _now::text)
        ON CONFLICT (run, key) DO UPDATE SET value = excluded.value;
    END IF;
    RETURN json_build_object('results', results, 'counts', {schema}.counts_of(_run));
END $$;

-- What was queued again is absent from the log as before: these rows, or all (NULL). How many there were.
CREATE OR REPLACE FUNCTION put_back(_run integer, _rows integer[], _code text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE number integer;
BEGIN
    PERFORM {schema}.durable();
    -- First, so that the rows are as they are once nobody else has them.
    PERFORM FROM {schema}.again a,
        LATERAL (SELECT FROM {schema}.contact k WHERE k.run = a.run AND k.row = a.row AND k.state = 0 FOR UPDATE) AS k
    WHERE a.run = _run AND (_rows IS NULL OR a.row = ANY(_rows));
    UPDATE {schema}.contact c SET state = 5, code = _code, detail = NULL, time = a.time
    FROM {schema}.again a,
        LATERAL (SELECT k.ctid FROM {schema}.contact k WHERE k.run = a.run AND k.row = a.row AND k.state = 0 OFFSET 0) AS k
    WHERE a.run = _run AND (_rows IS NULL OR a.row = ANY(_rows)) AND c.ctid = k.ctid;
    GET DIAGNOSTICS number = ROW_COUNT;
    IF number > 0 THEN
        PERFORM {schema}.count_in(_run, array[-number, 0, 0, 0, 0, number, 0]::bigint[]);
    END IF;
    RETURN number;
END $$;
"""
