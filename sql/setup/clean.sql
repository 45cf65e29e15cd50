\set ECHO none
-- What several tests end with: nothing of theirs is left but roles and schemas.  Its lines are not echoed.
SET client_min_messages = warning;
DELETE FROM rcs.batch;
DELETE FROM rcs.message;
DELETE FROM rcs.intent;
DELETE FROM rcs.result;
DELETE FROM rcs.event;
DELETE FROM rcs.campaign_version;
DELETE FROM rcs.campaign_event;
DELETE FROM rcs.campaign;
DELETE FROM rcs.tally;
DELETE FROM rcs.rejected;
DELETE FROM rcs.chatbot;
DELETE FROM rcs.creator;
DROP SERVER :"server" CASCADE;
\set ECHO all
