-- What a site does once: the extension, the carrier account with its login, the sender.
-- Variables: url, of the carrier; rate, messages a minute by the contract, or 0 for none.
\set ON_ERROR_STOP on
-- Two notices: there is no contract rate, and the secret is kept in the database.
SET client_min_messages = warning;

CREATE EXTENSION rcs;

CREATE SERVER kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url :'url');
SELECT :rate > 0 AS limited \gset
\if :limited
ALTER SERVER kt OPTIONS (ADD rate_per_minute :'rate');
\endif
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'demo', rcs_secret 'demo');

INSERT INTO rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key, name)
VALUES ('0212351235', '{kt}', 'ktbizrcs', 'AK-demo', 'BK-demo', '데모 상점');

SELECT ok, detail FROM rcs_account_check('kt');
