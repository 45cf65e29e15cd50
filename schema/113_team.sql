-- The views of a team: the same as the general ones, for the chatbots whose owner the reader is a member of.  They
-- are granted instead of the general ones.
--
-- Views read with the rights of their owner, so a policy on the tables would have no effect.  A security_barrier
-- keeps the reader's own functions away from the rows of others.  A look by id or campaign still uses the index,
-- since PostgreSQL knows that uuid = uuid gives nothing away.

-- Membership is that of rcs_may_steer; no team sees a chatbot without an owner.
CREATE VIEW rcs._team_chatbot AS
SELECT b.chatbot
FROM rcs.chatbot b JOIN pg_roles r ON r.oid = b.owner_id
WHERE pg_has_role(r.oid, 'USAGE');
COMMENT ON VIEW rcs._team_chatbot IS 'chatbots whose owner the current role is a member of';

-- ARRAY(...): asked once per query, not once per row.
CREATE VIEW rcs.team_campaign_progress WITH (security_barrier) AS
SELECT p.* FROM rcs.campaign_progress p
WHERE p.chatbot = ANY (ARRAY(SELECT t.chatbot FROM rcs._team_chatbot t));
COMMENT ON VIEW rcs.team_campaign_progress IS 'rcs.campaign_progress of the chatbots whose owner the current role is a member of';

CREATE VIEW rcs.team_campaign_result WITH (security_barrier) AS
SELECT p.* FROM rcs.campaign_result p
WHERE p.chatbot = ANY (ARRAY(SELECT t.chatbot FROM rcs._team_chatbot t));
COMMENT ON VIEW rcs.team_campaign_result IS 'rcs.campaign_result of the chatbots whose owner the current role is a member of';

CREATE VIEW rcs.team_campaign_history WITH (security_barrier) AS
SELECT p.* FROM rcs.campaign_history p
WHERE p.chatbot = ANY (ARRAY(SELECT t.chatbot FROM rcs._team_chatbot t));
COMMENT ON VIEW rcs.team_campaign_history IS 'rcs.campaign_history of the chatbots whose owner the current role is a member of';

CREATE VIEW rcs.team_message_status_masked WITH (security_barrier) AS
SELECT p.* FROM rcs.message_status_masked p
WHERE p.chatbot = ANY (ARRAY(SELECT t.chatbot FROM rcs._team_chatbot t));
COMMENT ON VIEW rcs.team_message_status_masked IS 'rcs.message_status_masked of the chatbots whose owner the current role is a member of';

REVOKE ALL ON rcs._team_chatbot, rcs.team_campaign_progress, rcs.team_campaign_result, rcs.team_campaign_history,
	rcs.team_message_status_masked FROM PUBLIC;
