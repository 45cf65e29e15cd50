-- A database to measure in: the extension, an account at the stand-in carrier, a chatbot.
-- Variable: url, of the carrier.
SET client_min_messages = warning;
CREATE EXTENSION rcs;
CREATE SERVER kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url :'url');
CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'bench', rcs_secret 'bench');
INSERT INTO rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key, callback)
VALUES ('0212351235', '{kt}', 'ktbizrcs', 'AK-bench', 'BK-bench', '0212351235');
SELECT ok FROM rcs_account_check('kt');

-- A campaign to n people with the two-placeholder template; not started.
CREATE FUNCTION public.fill(name text, n int, first int DEFAULT 20000000, message jsonb DEFAULT NULL,
	rate int DEFAULT NULL, chatbot text DEFAULT '0212351235') RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
	c uuid;
BEGIN
	c := rcs_campaign_create(name, coalesce(message, '{"serviceType": "RCSSMS", "header": "0",
		"body": {"description": "#{name}님, 주문 #{order}이 접수되었습니다."}}'),
		chatbot => chatbot, rate_per_minute => rate);
	PERFORM rcs_campaign_add(c, format('SELECT ''010'' || i AS phone, ''고객'' || i AS name, i AS order
		FROM generate_series(%s, %s) i', first, first + n - 1));
	RETURN c;
END $$;
