-- When each step of an answer happened, by the database and by the ledgers of the carrier, which are in
-- the tables push, upload and offer.  Variable: reply_id.
WITH answer AS (
	SELECT i.*, p.first_us FROM rcs.inbound i JOIN push p ON p.id = i.reply_id WHERE i.reply_id = :'reply_id'),
step (at_us, what) AS (
	SELECT a.first_us, 'the carrier pushes "' || a.text || '" to the listener' FROM answer a
	UNION ALL
	SELECT extract(epoch FROM a.received_at) * 1000000, 'it is stored in rcs.inbound' FROM answer a
	UNION ALL
	SELECT extract(epoch FROM a.handled_at) * 1000000,
		format('rule %s has asked the table-order server and queued a carousel', a.rule_id) FROM answer a
	UNION ALL
	SELECT max(u.time_us), format('%s images are with the carrier', count(*))
	FROM answer a JOIN upload u ON u.time_us > a.first_us HAVING count(*) > 0
	UNION ALL
	SELECT o.time_us, 'the carousel is at the carrier' FROM answer a JOIN offer o ON o.msg_id = a.reply_message::text
	UNION ALL
	SELECT extract(epoch FROM e.received_at) * 1000000, 'its report is stored: ' || e.verdict
	FROM answer a JOIN rcs.event e ON e.message = a.reply_message)
SELECT to_char((s.at_us - a.first_us) / 1000.0, '99990.0') || ' ms  ' || s.what FROM step s, answer a ORDER BY s.at_us;
SELECT format('  of this, %s ms between the question and the answer at the carrier', round((o.time_us - p.first_us) / 1000.0, 1))
FROM rcs.inbound i JOIN push p ON p.id = i.reply_id JOIN offer o ON o.msg_id = i.reply_message::text WHERE i.reply_id = :'reply_id';
