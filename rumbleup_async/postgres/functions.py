"""The functions in the database by which entries are opened and closed: each is one round trip and one transaction.

Lives here: their text, in PL/pgSQL. The moves are those of `ledger/states.py`, whose numbers stand in them: 0 queued, 1 intent,
2 sent, 5 not_sent, 6 unknown.

- A step locks the row of its owner first, and so does whoever expires that owner: one of the two comes first, wholly.
- Who is queued is taken by FOR UPDATE SKIP LOCKED: machines pass over what another is just opening, and PostgreSQL looks once
  more whether a row that was changed meanwhile is still queued.
- The number of a step makes it safe to ask for it again when its answer was lost: done already, it is told, not done once more.
- Each row is looked for by its key, in a part that the planner may not turn round (OFFSET 0): while a run is young it takes the
  table for empty, and would go through what is handed in once for each contact.
"""

from __future__ import annotations

from typing import Final

from rumbleup_async.postgres.bounding import BOUNDS
from rumbleup_async.postgres.fencing import COUNTS, FENCING, HELD, NAMESPACE
from rumbleup_async.postgres.lines import LINES
from rumbleup_async.reasons import INTERRUPTED

_TEXT_OF: Final = """json_build_array(c.row, c.phone, coalesce(c.text, _same), c.name, c.attempts,
        json_build_array(coalesce(c.code, ''), coalesce(c.detail, '')), c.segments, c.place)"""
"""Of a contact `c`: its text, as a worker gets it."""
_WORD: Final = """'hold',
        (SELECT greatest(0, extract(epoch FROM h.until - clock_timestamp()))::float8 FROM {schema}.hold h WHERE h.run = _run),
        'others', (SELECT json_build_array(sum(o.learned), count(o.learned)) FROM {schema}.owner o
            WHERE o.run = _run AND o.id <> _owner AND NOT o.fenced AND o.until > clock_timestamp()), 'senders',
        (SELECT count(*) FROM {schema}.owner WHERE run = _run AND NOT fenced AND until > clock_timestamp())"""
"""What a step tells of the other machines, also where it is told once more."""

STEPS: Final = """
-- Who comes next, locked until the end of the transaction: rows in the order in which they are to be opened.
-- `_first`: rows that this process alone may open. `_shut`: places that are shut now. `_places`: those with opening times that
-- are open now, the one that is shut soonest first, each read from its cursor on. `_others`: places without opening times; NULL
-- where no place has any. `_cursor`: up to where the rest was read; `_rest`: whether it is come to at all. `_asked`: rows that
-- this transaction has already.
CREATE OR REPLACE FUNCTION next_rows(
    _run integer, _want integer, _now bigint, _first integer[], _shut integer[], _places integer[], _cursors integer[],
    _others integer[], _cursor integer, _rest boolean, _asked integer[], OUT got integer[], OUT uptos integer[], OUT upto integer
) LANGUAGE plpgsql AS $$
DECLARE
    part integer[];
    missing integer := _want;
BEGIN
    got := '{{}}'; uptos := _cursors; upto := _cursor;
    IF cardinality(_first) > 0 THEN
        SELECT coalesce(array_agg(s.row), '{{}}') INTO got FROM (
            SELECT c.row FROM {schema}.contact c
            WHERE c.run = _run AND c.row = ANY(_first) AND c.state = 0 AND c.place <> ALL(_shut) AND c.row <> ALL(_asked)
            ORDER BY c.row LIMIT missing FOR UPDATE OF c SKIP LOCKED) s;
        missing := _want - cardinality(got);
    END IF;
    IF missing > 0 AND (_rest OR cardinality(_places) > 0)
            AND EXISTS (SELECT FROM {schema}.waiting WHERE run = _run AND due <= _now / 1000.0) THEN
        SELECT coalesce(array_agg(s.row), '{{}}') INTO part FROM (
            SELECT c.row FROM {schema}.waiting w JOIN {schema}.contact c ON c.run = w.run AND c.row = w.row
            WHERE w.run = _run AND w.due <= _now / 1000.0 AND c.state = 0 AND c.place <> ALL(_shut) AND c.row <> ALL(_asked)
                AND NOT EXISTS (SELECT FROM {schema}.again a WHERE a.run = _run AND a.row = c.row)
            ORDER BY c.row LIMIT missing FOR UPDATE OF c SKIP LOCKED) s;
        got := got || part;
        missing := _want - cardinality(got);
    END IF;
    FOR i IN 1 .. coalesce(cardinality(_places), 0) LOOP
        EXIT WHEN missing <= 0;
        SELECT coalesce(array_agg(s.row), '{{}}') INTO part FROM (
            SELECT c.row FROM {schema}.contact c
            WHERE c.run = _run AND c.place = _places[i] AND c.place <> 0 AND c.row > _cursors[i] AND c.state = 0
                AND NOT EXISTS (SELECT FROM {schema}.waiting w WHERE w.run = _run AND w.row = c.row)
                AND NOT EXISTS (SELECT FROM {schema}.again a WHERE a.run = _run AND a.row = c.row)
            ORDER BY c.row LIMIT missing FOR UPDATE OF c SKIP LOCKED) s;
        got := got || part;
        uptos[i] := CASE WHEN cardinality(part) < missing THEN -1 ELSE part[cardinality(part)] END;
        missing := _want - cardinality(got);
    END LOOP;
    IF missing > 0 AND _rest THEN
        SELECT coalesce(array_agg(s.row), '{{}}') INTO part FROM (
            SELECT c.row FROM {schema}.contact c
            WHERE c.run = _run AND c.row > _cursor AND c.state = 0 AND (_others IS NULL OR c.place = ANY(_others))
                AND NOT EXISTS (SELECT FROM {schema}.waiting w WHERE w.run = _run AND w.row = c.row)
                AND NOT EXISTS (SELECT FROM {schema}.again a WHERE a.run = _run AND a.row = c.row)
            ORDER BY c.row LIMIT missing FOR UPDATE OF c SKIP LOCKED) s;
        got := got || part;
        -- Nobody is queued from here to the end; that is not looked through again with every row that comes in.
        upto := CASE WHEN cardinality(part) < missing
            THEN greatest(_cursor, (SELECT max(row) FROM {schema}.contact WHERE run = _run)) ELSE part[cardinality(part)] END;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION texts_of(_run integer, _rows integer[], _same text) RETURNS json LANGUAGE plpgsql AS $$ BEGIN
    RETURN (SELECT coalesce(json_agg({text_of} ORDER BY v.n), '[]'::json)
    FROM unnest(_rows) WITH ORDINALITY AS v(row, n),
        LATERAL (SELECT * FROM {schema}.contact k WHERE k.run = _run AND k.row = v.row OFFSET 0) AS c);
END $$;

CREATE OR REPLACE FUNCTION step(
    _run integer, _owner integer, _number bigint, _lease double precision, _same text,
    _rows integer[], _states smallint[], _attempts integer[], _logids text[], _codes text[], _details text[], _times bigint[],
    _delta bigint[], _due_rows integer[], _dues double precision[],
    _want integer, _now bigint, _chosen integer[],
    _first integer[], _shut integer[], _places integer[], _cursors integer[], _others integer[], _cursor integer, _rest boolean,
    _hold double precision, _learned double precision
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    mine {schema}.owner;
    got integer[] := '{{}}';
    uptos integer[] := _cursors;
    upto integer := _cursor;
    delta bigint[] := _delta;
    number integer;
    texts json := '[]';
    due double precision;
    shut json := '[]';
    proven integer;
    b {schema}.bound;
    before integer[];
    cut text;
    parts bigint := 0;
BEGIN
    PERFORM {schema}.durable();
    SELECT * INTO mine FROM {schema}.owner WHERE id = _owner AND run = _run FOR UPDATE;
    IF NOT mine.fenced AND (mine.until = 'epoch' OR ({schema}.lasts_until(mine) < clock_timestamp() AND EXISTS (
            SELECT FROM {schema}.owner o WHERE o.run = _run AND o.session <> mine.session AND NOT o.fenced
                AND (o.alone OR mine.alone)
                AND ({schema}.lasts_until(o) > clock_timestamp() OR (o.until <> 'epoch' AND {held}))))) THEN
        -- It was taken for dead: the run was changed since, or somebody counts alone what may leave.
        PERFORM {schema}.expire(_run, _owner, false, '{interrupted}', _now);
        mine.fenced := true;
    END IF;
    IF mine.id IS NULL OR mine.fenced THEN
        RETURN json_build_object('fenced', true, 'results',
            {schema}.believe(_run, _owner, _rows, _states, _attempts, _logids, _codes, _details, _times),
            'counts', {schema}.counts_of(_run));
    END IF;
    IF mine.step = _number THEN
        -- It is done already, and its answer was lost on the way.
        UPDATE {schema}.owner SET until = clock_timestamp() + make_interval(secs => _lease) WHERE id = _owner;
        RETURN json_build_object('fenced', false, 'texts', {schema}.texts_of(_run, mine.opened, _same), 'cursors', uptos,
            'cursor', upto, 'is_repeated', true, 'counts', {schema}.counts_of(_run), {word});
    ELSIF mine.step <> _number - 1 THEN
        RAISE EXCEPTION 'a step came out of its order' USING ERRCODE = 'RU003';
    END IF;
    IF _want > 0 OR cardinality(_rows) > 0 THEN
        b := {schema}.bound_of(_run);
    END IF;
    IF _hold > 0 THEN
        -- Behind the bounds: whoever asks the rules has locked these before its step.
        INSERT INTO {schema}.hold VALUES (_run, clock_timestamp() + make_interval(secs => _hold))
        ON CONFLICT (run) DO UPDATE SET until = greatest(hold.until, excluded.until);
    END IF;
    IF cardinality(_rows) > 0 THEN
        IF b.run IS NOT NULL THEN
            before := b.before;
            b := {schema}.given_back(b, _rows, _states);
        END IF;
        UPDATE {schema}.contact c SET state = v.state, attempts = v.attempts, logid = nullif(v.logid, ''),
            code = nullif(v.code, ''), detail = nullif(v.detail, ''), time = nullif(v.time, 0)
        FROM unnest(_rows, _states, _attempts, _logids, _codes, _details, _times)
            AS v(row, state, attempts, logid, code, detail, time),
            LATERAL (SELECT k.ctid FROM {schema}.contact k
                WHERE k.run = _run AND k.row = v.row AND k.state = 1 AND k.owner = _owner OFFSET 0) AS k
        WHERE c.ctid = k.ctid;
        GET DIAGNOSTICS number = ROW_COUNT;
        IF number <> cardinality(_rows) THEN
            RAISE EXCEPTION 'an entry to be closed was not open' USING ERRCODE = 'RU001';
        END IF;
        IF _delta[1] > 0 THEN
            -- Given back, and the proof of an earlier text had come meanwhile.
            UPDATE {schema}.contact c SET state = 2, logid = a.logid, code = NULL, detail = NULL, time = a.time
            FROM {schema}.again a, LATERAL (
                SELECT k.ctid FROM {schema}.contact k WHERE k.run = a.run AND k.row = a.row AND k.state = 0 OFFSET 0) AS k
            WHERE a.run = _run AND a.row = ANY(_rows) AND a.logid IS NOT NULL AND c.ctid = k.ctid;
            GET DIAGNOSTICS proven = ROW_COUNT;
            delta[1] := delta[1] - proven; delta[3] := delta[3] + proven;
            IF proven > 0 AND b.run IS NOT NULL THEN
                SELECT sum(greatest(c.segments, 1)), count(*) FILTER (WHERE c.row <> ALL(before)) INTO parts, proven
                    FROM {schema}.contact c WHERE c.run = _run AND c.row = ANY(_rows) AND c.state = 2
                    AND EXISTS (SELECT FROM unnest(_rows, _states) AS v(row, state) WHERE v.row = c.row AND v.state = 0);
                b.segments := b.segments + parts; b.used := b.used + parts; b.texts := b.texts - proven;
            END IF;
        END IF;
    END IF;
    IF cardinality(_due_rows) > 0 THEN
        INSERT INTO {schema}.waiting SELECT _run, v.row, v.due FROM unnest(_due_rows, _dues) AS v(row, due)
        ON CONFLICT (run, row) DO UPDATE SET due = excluded.due;
    END IF;
    cut := {schema}.waits_for(b, mine.session);
    IF cut IS NOT NULL THEN
        NULL;
    ELSIF _chosen IS NOT NULL THEN
        SELECT coalesce(array_agg(s.row), '{{}}') INTO got FROM (
            SELECT c.row FROM unnest(_chosen) WITH ORDINALITY AS v(row, n),
                LATERAL (SELECT k.row FROM {schema}.contact k WHERE k.run = _run AND k.row = v.row AND k.state = 0
                    FOR UPDATE SKIP LOCKED) AS c
            ORDER BY v.n) s;
    ELSIF _want > 0 THEN
        SELECT n.got, n.uptos, n.upto INTO got, uptos, upto FROM {schema}.next_rows(
            _run, _want, _now, _first, _shut, _places, _cursors, _others, _cursor, _rest, '{{}}') n;
    END IF;
    IF b.run IS NOT NULL AND cut IS NULL AND cardinality(got) > 0 THEN
        SELECT f.fit, nullif(f.cut, ''), f.segments INTO got, cut, parts FROM {schema}.fitting(b, got) f;
        b.segments := b.segments + parts; b.used := b.used + parts; b.texts := b.texts - cardinality(got);
    END IF;
    IF cut IS NOT NULL THEN
        uptos := _cursors; upto := _cursor;  -- whoever did not fit is still to come
    END IF;
    IF cardinality(got) > 0 THEN
        WITH opened AS (
            UPDATE {schema}.contact c SET state = 1, owner = _owner, time = _now, logid = NULL, code = NULL, detail = NULL
            FROM unnest(got) WITH ORDINALITY AS v(row, n),
                LATERAL (SELECT k.ctid, k.* FROM {schema}.contact k
                    WHERE k.run = _run AND k.row = v.row AND k.state = 0 OFFSET 0) AS k
            WHERE c.ctid = k.ctid
            RETURNING v.n, k.row, k.phone, k.text, k.name, k.attempts, k.code, k.detail, k.segments, k.place)
        SELECT count(*), json_agg({text_of} ORDER BY c.n) INTO number, texts FROM opened c;
        IF number <> cardinality(got) THEN
            RAISE EXCEPTION 'a contact to be opened was not queued' USING ERRCODE = 'RU002';
        END IF;
        IF EXISTS (SELECT FROM {schema}.waiting WHERE run = _run) THEN
            DELETE FROM {schema}.waiting WHERE run = _run AND row = ANY(got);
        END IF;
        delta[1] := delta[1] - number; delta[2] := delta[2] + number;
    END IF;
    IF cardinality(got) < _want THEN
        SELECT min(w.due) INTO due FROM {schema}.waiting w JOIN {schema}.contact c ON c.run = w.run AND c.row = w.row
            WHERE w.run = _run AND c.state = 0;
        SELECT coalesce(json_agg(p), '[]') INTO shut FROM unnest(_shut) AS p WHERE EXISTS (
            SELECT FROM {schema}.contact c WHERE c.run = _run AND c.place = p AND c.place <> 0 AND c.state = 0
                AND NOT EXISTS (SELECT FROM {schema}.waiting w WHERE w.run = _run AND w.row = c.row));
    END IF;
    IF b.run IS NOT NULL AND (cardinality(_rows) > 0 OR cardinality(got) > 0) THEN
        UPDATE {schema}.bound SET texts = b.texts, segments = b.segments, used = b.used, carried = b.carried,
            before = b.before WHERE run = _run;
    END IF;
    IF _want = 0 AND cardinality(_rows) = 0 THEN
        -- For whoever waits for what others give back. Nothing was counted, so nothing is locked.
        SELECT * INTO b FROM {schema}.bound WHERE run = _run;
    END IF;
    UPDATE {schema}.owner o SET until = clock_timestamp() + make_interval(secs => _lease), step = _number, opened = got,
        learned = _learned,
        counts = array[o.counts[1] + delta[1], o.counts[2] + delta[2], o.counts[3] + delta[3], o.counts[4] + delta[4],
                       o.counts[5] + delta[5], o.counts[6] + delta[6], o.counts[7] + delta[7]]
    WHERE o.id = _owner;
    RETURN json_build_object('fenced', false, 'texts', texts, 'cursors', uptos, 'cursor', upto, 'due', due, 'shut', shut,
        'counts', {schema}.counts_of(_run), 'mine', mine.counts[2] + delta[2],
        'bounds', {schema}.told(b, cut), {word});
END $$;

-- Within the transaction of a step: these contacts are turned away, or stay queued for a reason.
CREATE OR REPLACE FUNCTION turn_away(
    _run integer, _owner integer, _rows integer[], _states smallint[], _codes text[], _details text[], _due_rows integer[],
    _dues double precision[], _delta bigint[]
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE number integer;
BEGIN
    PERFORM {schema}.durable();
    UPDATE {schema}.contact c SET state = v.state, code = nullif(v.code, ''), detail = nullif(v.detail, '')
    FROM unnest(_rows, _states, _codes, _details) AS v(row, state, code, detail),
        LATERAL (SELECT k.ctid FROM {schema}.contact k WHERE k.run = _run AND k.row = v.row AND k.state = 0 OFFSET 0) AS k
    WHERE c.ctid = k.ctid;
    GET DIAGNOSTICS number = ROW_COUNT;
    IF number <> cardinality(_rows) THEN
        RAISE EXCEPTION 'a contact to be turned away was not queued' USING ERRCODE = 'RU002';
    END IF;
    INSERT INTO {schema}.waiting SELECT _run, v.row, v.due FROM unnest(_due_rows, _dues) AS v(row, due)
    ON CONFLICT (run, row) DO UPDATE SET due = excluded.due;
    PERFORM {schema}.count_for(_owner, _delta);
    RETURN {schema}.counts_of(_run);
END $$;
"""


def statements(schema: str) -> str:
    """All of them, for the schema of this name; within a transaction."""
    given: dict[str, object] = {"namespace": NAMESPACE, "held": HELD, "interrupted": INTERRUPTED.code, "text_of": _TEXT_OF}
    given["word"] = _WORD.format(schema=schema)
    return (COUNTS + BOUNDS + FENCING + STEPS + LINES).format(schema=schema, **given)
