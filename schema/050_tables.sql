-- The queue and its record. rcs.batch is the only table that workers update; messages, intents and
-- results are inserted once. campaign_no leads every key: stream 0 is the single messages.
--
-- Every table of the extension has a primary key, so that a publication FOR ALL TABLES stops no UPDATE or
-- DELETE. Where nothing else tells rows apart it is a last column "id".

CREATE TABLE rcs.installation (
	only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
	namespace uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	phone_key bytea NOT NULL DEFAULT pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
		OPERATOR(pg_catalog.||) pg_catalog.uuid_send(pg_catalog.gen_random_uuid()))
);
COMMENT ON TABLE rcs.installation IS 'secrets of this installation, written when the first is needed and dumped';
COMMENT ON COLUMN rcs.installation.namespace IS 'random; the ids of keyed single messages are made from it, so that an old key stays used after a restore';
COMMENT ON COLUMN rcs.installation.phone_key IS 'random; refusals and counts of a person are kept under a hash of it and the phone number, so that they outlive the number';

-- The row of CREATE EXTENSION stays beside one that a dump or a subscription brings.  The oldest makes handles, so a
-- copy makes the same; all are tried when one is read.
CREATE TABLE rcs._handle_key (
	key bytea PRIMARY KEY DEFAULT pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
		OPERATOR(pg_catalog.||) pg_catalog.uuid_send(pg_catalog.gen_random_uuid())),
	made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CHECK (pg_catalog.octet_length(key) OPERATOR(pg_catalog.=) 32)
);
COMMENT ON TABLE rcs._handle_key IS 'secret: random keys of the handles of messages';
INSERT INTO rcs._handle_key DEFAULT VALUES;

-- Views call it with the rights of their reader, who does not know the key, so it stays executable by everybody.
CREATE FUNCTION rcs._handle(key bytea, campaign_no bigint, batch_id bigint, ord int) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcs_handle';
COMMENT ON FUNCTION rcs._handle(bytea, bigint, bigint, int) IS 'the handle of the message at this place';

CREATE FUNCTION rcs._handle_place(key bytea, handle text, OUT campaign_no bigint, OUT batch_id bigint, OUT ord int)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcs_handle_place';
COMMENT ON FUNCTION rcs._handle_place(bytea, text) IS 'the place that a handle was made of; null: it was not made with this key';
REVOKE ALL ON FUNCTION rcs._handle_place(bytea, text) FROM PUBLIC;

-- A sequence feeds only campaign_no, which never leaves the database; ids that a carrier sees are random.
CREATE SEQUENCE rcs.campaign_no_seq;
CREATE TABLE rcs.campaign (
	campaign_no bigint PRIMARY KEY DEFAULT pg_catalog.nextval('rcs.campaign_no_seq'),
	id uuid NOT NULL UNIQUE DEFAULT pg_catalog.gen_random_uuid(),
	name text NOT NULL,
	chatbot text NOT NULL,
	version int NOT NULL DEFAULT 1,
	start_at timestamptz,
	rate_per_minute int CHECK (rate_per_minute > 0),
	expires_at timestamptz,
	in_doubt text CHECK (in_doubt IN ('resend', 'hold')),
	created_by text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	started_at timestamptz,
	paused_at timestamptz,
	canceled_at timestamptz,
	weight int NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
	pause_reason text,
	retry_at timestamptz,
	probation int NOT NULL DEFAULT 0,
	resumed_at timestamptz,
	resent_at timestamptz
);
CREATE INDEX campaign_name ON rcs.campaign (name, created_at);
CREATE INDEX campaign_age ON rcs.campaign (created_at);
COMMENT ON TABLE rcs.campaign IS 'one campaign; changed by the commands of its owner, and by a worker that pauses it';
COMMENT ON COLUMN rcs.campaign.created_by IS 'a role: see rcs.creator';
COMMENT ON COLUMN rcs.campaign.weight IS 'its share where several campaigns wait for one account';
COMMENT ON COLUMN rcs.campaign.retry_at IS 'paused because the carrier knew its messages already: a worker resumes it then; null: only somebody can';
COMMENT ON COLUMN rcs.campaign.probation IS 'so many duplicates pause it again after such a pause, until a message of it is accepted; 0: it is on none';
COMMENT ON COLUMN rcs.campaign.pause_reason IS 'why a worker paused it; null: somebody did';
COMMENT ON COLUMN rcs.campaign.resent_at IS 'failed messages were offered again under new ids: the older ones are in no count';
COMMENT ON COLUMN rcs.campaign.resumed_at IS 'failures of before do not pause it again';

CREATE TABLE rcs.campaign_version (
	campaign_no bigint NOT NULL,
	version int NOT NULL,
	message jsonb NOT NULL,
	created_by text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (campaign_no, version)
);
COMMENT ON TABLE rcs.campaign_version IS 'each text that a campaign has had';

CREATE TABLE rcs.campaign_event (
	campaign_no bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	what text NOT NULL,
	who text NOT NULL,
	detail jsonb,
	row_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY
);
CREATE INDEX campaign_event_campaign ON rcs.campaign_event (campaign_no, at);
COMMENT ON TABLE rcs.campaign_event IS 'what was done to a campaign, by whom';

CREATE SEQUENCE rcs.batch_id_seq;
CREATE SEQUENCE rcs.generation_seq;

CREATE TABLE rcs.batch (
	campaign_no bigint NOT NULL,
	batch_id bigint NOT NULL,
	n int NOT NULL,
	due_at timestamptz NOT NULL,
	state "char" NOT NULL DEFAULT 'q' CHECK (state IN ('q', 'l')),
	generation bigint,
	attempt smallint NOT NULL DEFAULT 1,
	answers smallint NOT NULL DEFAULT 0,
	origin bigint,
	ords int[],
	version int,
	unknown_since timestamptz,
	server text,
	canceled int[],
	reason text,
	chatbot text,
	sender text NOT NULL DEFAULT '',
	urgent boolean NOT NULL DEFAULT false,
	PRIMARY KEY (campaign_no, batch_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE INDEX batch_due ON rcs.batch (campaign_no, due_at, batch_id) WHERE state = 'q';
-- Messages in doubt go first: the carrier knows their ids for a while only.
CREATE INDEX batch_doubt_due ON rcs.batch (campaign_no, due_at, batch_id) WHERE state = 'q' AND unknown_since IS NOT NULL;
-- Single messages are taken by turns of those who sent them.  "<> 'l'" and not "= 'q'", so that no plan takes batch_due instead.
CREATE INDEX batch_turn ON rcs.batch (chatbot, sender, urgent, due_at, batch_id)
	WHERE campaign_no = 0 AND state <> 'l' AND unknown_since IS NULL;
CREATE INDEX batch_leased ON rcs.batch (generation) WHERE state = 'l';
CREATE INDEX batch_origin ON rcs.batch (campaign_no, origin) WHERE origin IS NOT NULL;
CREATE INDEX batch_waits ON rcs.batch (campaign_no, (reason LIKE 'outside ad hours until %')) WHERE reason IS NOT NULL;
COMMENT ON TABLE rcs.batch IS 'the queue: one unit of unfinished work; deleted when the last of its messages has a result';
COMMENT ON COLUMN rcs.batch.n IS 'messages in it, canceled ones included';
COMMENT ON COLUMN rcs.batch.state IS 'q waits, l is leased by the worker of this generation';
COMMENT ON COLUMN rcs.batch.generation IS 'the worker run that holds the lease; it holds a session lock of the same number while it lives';
COMMENT ON COLUMN rcs.batch.attempt IS 'number of this offer; rises with every new batch row for the same messages';
COMMENT ON COLUMN rcs.batch.answers IS 'answers of the carrier about these messages so far (rcs.max_attempts)';
COMMENT ON COLUMN rcs.batch.origin IS 'a retry: the batch_id under which its messages are stored';
COMMENT ON COLUMN rcs.batch.ords IS 'a retry: which messages of the origin it is for';
COMMENT ON COLUMN rcs.batch.version IS 'a retry: the text that was already offered';
COMMENT ON COLUMN rcs.batch.unknown_since IS 'an earlier offer of these messages has an unknown outcome since then';
COMMENT ON COLUMN rcs.batch.server IS 'the only account that may offer them again (set with unknown_since)';
COMMENT ON COLUMN rcs.batch.canceled IS 'ords taken out by rcs_cancel';
COMMENT ON COLUMN rcs.batch.reason IS 'why it waits';
COMMENT ON COLUMN rcs.batch.chatbot IS 'a single message: who sends it, so that one that waits for an account is not leased; null: a campaign''s';
COMMENT ON COLUMN rcs.batch.sender IS 'a single message: the role that sent it; chatbots and roles take turns';
COMMENT ON COLUMN rcs.batch.urgent IS 'a single message: it goes before those that are not';

CREATE TABLE rcs.message (
	campaign_no bigint NOT NULL,
	batch_id bigint NOT NULL,
	ord int NOT NULL,
	epoch smallint NOT NULL DEFAULT 0,
	night_consent boolean,
	id uuid NOT NULL,
	created_at timestamptz NOT NULL,
	phone text,
	ref text,
	params jsonb,
	message jsonb,
	chatbot text,
	key text,
	digest bytea,
	send_at timestamptz,
	expires_at timestamptz,
	created_by text,
	PRIMARY KEY (campaign_no, batch_id, ord),
	UNIQUE (id, campaign_no)
);
CREATE INDEX message_single_phone ON rcs.message (phone) WHERE campaign_no = 0;
COMMENT ON TABLE rcs.message IS 'what to send to whom; inserted once';
COMMENT ON COLUMN rcs.message.params IS 'a campaign''s values for the placeholders of its text';
COMMENT ON COLUMN rcs.message.message IS 'a single message: the whole of it, placeholders filled';
COMMENT ON COLUMN rcs.message.chatbot IS 'a single message; a campaign has its own';
COMMENT ON COLUMN rcs.message.created_by IS 'a single message: a role, see rcs.creator';
COMMENT ON COLUMN rcs.message.digest IS 'a keyed single message: SHA-256 of what was asked, to tell a repeat from another content';

CREATE TABLE rcs.intent (
	campaign_no bigint NOT NULL,
	batch_id bigint NOT NULL,
	attempt smallint NOT NULL,
	version int NOT NULL,
	generation bigint NOT NULL,
	at timestamptz NOT NULL,
	server text NOT NULL,
	ords int[] NOT NULL,
	row_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY
);
CREATE INDEX intent_batch ON rcs.intent (campaign_no, batch_id);
COMMENT ON TABLE rcs.intent IS 'these messages are about to be offered to the carrier; on disk before the first byte leaves';
COMMENT ON COLUMN rcs.intent.batch_id IS 'as in rcs.message, also for a retry';

CREATE TABLE rcs.result (
	campaign_no bigint NOT NULL,
	batch_id bigint NOT NULL,
	ord int NOT NULL,
	attempt smallint NOT NULL,
	outcome "char" NOT NULL CHECK (outcome IN ('a', 'f', 'u', 'c', 'x', 's', 'r', 't', 'w')),
	at timestamptz NOT NULL,
	code text,
	server text,
	reason text,
	PRIMARY KEY (campaign_no, batch_id, ord, attempt)
);
COMMENT ON TABLE rcs.result IS 'the outcome of one attempt of one message; inserted once';
COMMENT ON COLUMN rcs.result.outcome IS 'final: a accepted, f failed, u uncertain, c canceled, x expired, s suppressed; the message goes on under the next attempt: r refused for the moment, t outcome unknown, w withdrawn before a byte left';

-- Views call it with the rights of their reader, so it stays executable by everybody.
CREATE FUNCTION rcs._ended_as(outcome "char") RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN outcome OPERATOR(pg_catalog.=) 'a' THEN 'sent'
	WHEN outcome OPERATOR(pg_catalog.=) 'f' THEN 'failed'
	WHEN outcome OPERATOR(pg_catalog.=) 'u' THEN 'uncertain'
	WHEN outcome OPERATOR(pg_catalog.=) 'c' THEN 'canceled'
	WHEN outcome OPERATOR(pg_catalog.=) 'x' THEN 'expired'
	WHEN outcome OPERATOR(pg_catalog.=) 's' THEN 'suppressed'
END;
COMMENT ON FUNCTION rcs._ended_as("char") IS 'the status that a final outcome gives a message, while nothing is reported about it; null: the message goes on';

CREATE TABLE rcs.event (
	message uuid NOT NULL,
	campaign_no bigint NOT NULL,
	status text NOT NULL CHECK (status IN ('success', 'fail')),
	verdict text NOT NULL CHECK (verdict IN ('delivered', 'fell_back', 'failed', 'uncertain')),
	service_type text NOT NULL DEFAULT '',
	carrier text,
	code text,
	reason text,
	bill int,
	sent_at timestamptz,
	carrier_at timestamptz,
	received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	counted boolean NOT NULL DEFAULT false,
	PRIMARY KEY (message, status, service_type)
);
CREATE INDEX event_uncounted ON rcs.event (received_at) WHERE NOT counted;
-- Beside an index it costs nothing: the worker that counts need not look each second.
CREATE FUNCTION rcs._to_count_came() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_to_count_came';
COMMENT ON FUNCTION rcs._to_count_came() IS 'there is something to be counted or numbered from COMMIT on';
REVOKE ALL ON FUNCTION rcs._to_count_came() FROM PUBLIC;
CREATE TRIGGER event_came AFTER INSERT ON rcs.event
FOR EACH STATEMENT EXECUTE FUNCTION rcs._to_count_came();
COMMENT ON TABLE rcs.event IS 'what the carrier reported about a message later; a report may arrive before our own result is written';
COMMENT ON COLUMN rcs.event.verdict IS 'what it says about the message: a failure whose code leaves delivery open is uncertain';
COMMENT ON COLUMN rcs.event.service_type IS 'empty: not said';
COMMENT ON COLUMN rcs.event.bill IS '1: charged, 0: free';
COMMENT ON COLUMN rcs.event.counted IS 'the counts of the campaign know it';

CREATE TABLE rcs.quarantine (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	kind text NOT NULL,
	problem text NOT NULL,
	payload jsonb,
	raw bytea,
	CHECK (num_nonnulls(payload, raw) OPERATOR(pg_catalog.=) 1)
);
CREATE INDEX quarantine_raw ON rcs.quarantine (id) WHERE raw IS NOT NULL;
COMMENT ON TABLE rcs.quarantine IS 'what the carrier sent and could not be used, the latest 10,000 of each kind of content; rcs_receive_again() takes what can be used now';
COMMENT ON COLUMN rcs.quarantine.payload IS 'an element that is JSON';
COMMENT ON COLUMN rcs.quarantine.raw IS 'one that is not, byte for byte as it came';

CREATE TABLE rcs.tally (
	campaign_no bigint NOT NULL,
	what text NOT NULL,
	n bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	reported boolean NOT NULL DEFAULT false,
	row_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY
);
CREATE INDEX tally_campaign ON rcs.tally (campaign_no);
COMMENT ON COLUMN rcs.tally.reported IS 'a report has moved messages from one status to another';
COMMENT ON TABLE rcs.tally IS 'insert-only deltas of the counts of a campaign, folded now and then; total is added with the messages, a final status with the closing of their batch';

-- Reports move messages out of "sent", and none out of "accepted".
CREATE FUNCTION rcs._counts_of(outcome "char") RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.array_remove(ARRAY[rcs._ended_as(outcome), CASE WHEN outcome OPERATOR(pg_catalog.=) 'a' THEN 'accepted' END], NULL);
COMMENT ON FUNCTION rcs._counts_of("char") IS 'rows of rcs.tally that a message of this outcome is added to; empty: the message goes on, and a later batch counts it';
REVOKE ALL ON FUNCTION rcs._counts_of("char") FROM PUBLIC;

CREATE TABLE rcs.rejected (
	campaign uuid,
	phone text,
	params jsonb,
	ref text,
	code text NOT NULL,
	reason text NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	row_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY
);
CREATE INDEX rejected_campaign ON rcs.rejected (campaign);
CREATE INDEX rejected_person ON rcs.rejected (@extschema@.rcs_phone_or_null(phone));
COMMENT ON TABLE rcs.rejected IS 'recipients that were not taken, with the reason; campaign is null for rcs_send with on_error => record';

SELECT pg_catalog.pg_extension_config_dump('rcs.installation', '');
SELECT pg_catalog.pg_extension_config_dump('rcs._handle_key', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.campaign_no_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.campaign', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.campaign_version', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.campaign_event', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.campaign_event_row_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.batch_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.generation_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.batch', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.message', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.intent', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.intent_row_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.result', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.event', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.tally', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.tally_row_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.rejected', '');
SELECT pg_catalog.pg_extension_config_dump('rcs.rejected_row_id_seq', '');
