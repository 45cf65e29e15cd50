\set server views_kt
\i sql/setup/one_account.sql

-- the decision, all of it: outcome, attempt of result and intent, in doubt, report
SELECT o, r, i, u, v, rcs._status(o::"char", r::int2, i::int2, u, v)
FROM (VALUES
	(NULL, NULL, NULL, NULL, NULL), (NULL, NULL, 1, NULL, NULL),
	('a', 1, 1, false, NULL), ('f', 1, 1, false, NULL), ('u', 1, 1, true, NULL),
	('c', 1, NULL, false, NULL), ('x', 1, NULL, false, NULL), ('s', 1, NULL, false, NULL),
	('r', 1, 1, false, NULL), ('r', 1, 2, false, NULL), ('w', 1, 1, false, NULL),
	('t', 1, 1, true, NULL), ('r', 2, 2, true, NULL),
	('a', 1, 1, false, 'delivered'), ('a', 1, 1, false, 'fell_back'), ('a', 1, 1, false, 'failed'),
	('a', 1, 1, false, 'uncertain'), ('u', 1, 1, true, 'delivered'), ('u', 1, 1, true, 'failed'),
	('f', 1, 1, false, 'delivered'), ('f', 1, 1, false, 'uncertain'), ('t', 1, 1, true, 'delivered'), ('c', 1, NULL, false, 'failed')
) x(o, r, i, u, v);
SELECT v, rcs._verdict_rank(v) FROM unnest('{delivered,fell_back,failed,uncertain}'::text[]) v;

-- A campaign in the middle of its life, made by hand, in a transaction that no worker sees.
BEGIN;
INSERT INTO rcs.campaign (campaign_no, id, name, chatbot, created_by, created_at, started_at)
VALUES (1000001, '5eed0000-0000-4000-8000-000000000002', 'life', '0200000001', 'somebody', now() - interval '1 hour', now() - interval '10 minutes');
INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone)
SELECT 1000001, b, o, rcs_message_id('5eed0000-0000-4000-8000-000000000002', '0100000' || b || lpad(o::text, 3, '0')), now(), '0100000' || b || lpad(o::text, 3, '0')
FROM generate_series(1, 4) b, generate_series(1, 10) o;
-- 1: closed: 4 sent, 2 delivered, 1 fell_back, 1 failed, 1 expired, 1 uncertain
INSERT INTO rcs.intent VALUES (1000001, 1, 1, 1, 7, now(), 'views_kt', '{1,2,3,4,5,6,7,8,9,10}');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, code, reason)
SELECT 1000001, 1, o, 1, CASE WHEN o <= 7 THEN 'a' WHEN o = 8 THEN 'f' WHEN o = 9 THEN 'x' ELSE 'u' END::"char", now(),
	CASE WHEN o = 8 THEN '54002' END, CASE WHEN o = 8 THEN 'no such subscriber' END FROM generate_series(1, 10) o;
INSERT INTO rcs.event (message, campaign_no, status, verdict, service_type, carrier, code)
SELECT m.id, 1000001, 'success', CASE WHEN ord = 7 THEN 'fell_back' ELSE 'delivered' END, CASE WHEN ord = 7 THEN 'SMS' ELSE 'RCSSMS' END, 'KT', '40000' FROM rcs.message m
WHERE campaign_no = 1000001 AND batch_id = 1 AND ord BETWEEN 5 AND 7;
INSERT INTO rcs.event (message, campaign_no, status, verdict, service_type, carrier, code)
SELECT m.id, 1000001, 'fail', 'failed', 'RCSSMS', 'KT', '54004' FROM rcs.message m WHERE campaign_no = 1000001 AND batch_id = 1 AND ord = 7;
INSERT INTO rcs.tally (campaign_no, what, n, at) VALUES
	(1000001, 'total', 40, now() - interval '1 hour'), (1000001, 'duplicates', 3, now()), (1000001, 'rejected', 2, now()),
	(1000001, 'accepted', 7, now()), (1000001, 'sent', 7, now()), (1000001, 'failed', 1, now()), (1000001, 'expired', 1, now()), (1000001, 'uncertain', 1, now()),
	(1000001, 'sent', -3, now()), (1000001, 'delivered', 2, now()), (1000001, 'fell_back', 1, now());
-- 2: leased: 3 accepted, 1 failed, 1 canceled, 1 refused for the moment, 1 withdrawn, 1 out now, 2 wait
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, state, generation) VALUES (1000001, 2, 10, now(), 'l', 7);
INSERT INTO rcs.intent VALUES (1000001, 2, 1, 1, 7, now(), 'views_kt', '{1,2,3,4}'), (1000001, 2, 1, 1, 7, now(), 'views_kt', '{6,7,8}');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) VALUES
	(1000001, 2, 1, 1, 'a', now()), (1000001, 2, 2, 1, 'a', now()), (1000001, 2, 3, 1, 'a', now()), (1000001, 2, 4, 1, 'f', now()),
	(1000001, 2, 5, 1, 'c', now()), (1000001, 2, 6, 1, 'r', now()), (1000001, 2, 7, 1, 'w', now());
-- the two that moved: a retry that waits
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, reason) VALUES (1000001, 5, 2, '2100-01-01', 2, 2, '{6,7}', 'the carrier was busy');
-- 3: waits, one of it canceled
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, canceled) VALUES (1000001, 3, 10, now(), '{4}');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) VALUES (1000001, 3, 4, 1, 'c', now());
-- 4: all of unknown outcome, five of them offered again and two of these accepted
INSERT INTO rcs.intent VALUES (1000001, 4, 1, 1, 7, now(), 'views_kt', '{1,2,3,4,5,6,7,8,9,10}');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) SELECT 1000001, 4, o, 1, 't', now() FROM generate_series(1, 10) o;
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, state, generation, attempt, origin, ords, unknown_since)
VALUES (1000001, 6, 6, now(), 'l', 7, 2, 4, '{1,2,3,4,5,6}', now());
INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, unknown_since)
VALUES (1000001, 7, 4, now(), 2, 4, '{7,8,9,10}', now());
INSERT INTO rcs.intent VALUES (1000001, 4, 2, 1, 7, now(), 'views_kt', '{1,2,3,4,5}');
INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at) VALUES (1000001, 4, 1, 2, 'a', now()), (1000001, 4, 2, 2, 'a', now());

SELECT status, count(*) FROM rcs.message_status WHERE campaign = '5eed0000-0000-4000-8000-000000000002' GROUP BY status ORDER BY status;
\x on
\pset tuples_only off
SELECT state, state_reason, total, queued, sending, sent, delivered, fell_back, failed, uncertain, canceled, expired, suppressed,
	queued + sending + sent + delivered + fell_back + failed + uncertain + canceled + expired + suppressed AS sum,
	accepted, duplicates, rejected, percent, reported_percent, bar, eta > now() AS eta, finished_at
FROM rcs.campaign_progress WHERE campaign = '5eed0000-0000-4000-8000-000000000002';
\x off
-- the views agree
SELECT v.status, v.n AS by_view, p.n AS by_count
FROM (SELECT status, count(*) AS n FROM rcs.message_status WHERE campaign = '5eed0000-0000-4000-8000-000000000002' GROUP BY status) v
FULL JOIN (SELECT key, value::bigint AS n FROM rcs.campaign_progress p, jsonb_each_text(to_jsonb(p))
	WHERE campaign = '5eed0000-0000-4000-8000-000000000002'
	AND key IN ('queued', 'sending', 'sent', 'delivered', 'fell_back', 'failed', 'uncertain', 'canceled', 'expired', 'suppressed')) p
ON p.key = v.status WHERE coalesce(v.n, 0) <> coalesce(p.n, 0);
SELECT phone, status, code, reason, attempts, server, service_type, sent_at IS NOT NULL AS sent, done_at IS NOT NULL AS done
FROM rcs.message_status WHERE campaign = '5eed0000-0000-4000-8000-000000000002'
AND phone ~ '^01000001(001|005|007|008)|01000002(006|007|008|009)|01000004(001|003|009)$' ORDER BY phone;
SELECT phone FROM rcs.message_status_masked WHERE campaign = '5eed0000-0000-4000-8000-000000000002' ORDER BY phone LIMIT 1;
SELECT lane, ready, delayed, leased, oldest_age >= interval '0' AS age FROM rcs.queue_depth ORDER BY lane;
-- all done
DELETE FROM rcs.batch WHERE campaign_no = 1000001;
SELECT state, finished_at = now() FROM rcs.campaign_progress WHERE campaign = '5eed0000-0000-4000-8000-000000000002';
ROLLBACK;

-- the masked view is the full one, but for the phone and the handle in place of the id
SELECT d.attname FROM (
	SELECT attname, attnum FROM pg_attribute WHERE attrelid = 'rcs.message_status'::regclass AND attnum > 0
	EXCEPT
	SELECT attname, attnum FROM pg_attribute WHERE attrelid = 'rcs.message_status_masked'::regclass AND attnum > 0) d;

-- clean up
\i sql/setup/clean.sql
