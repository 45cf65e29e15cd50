-- A campaign whose requests have about 10 kB: the longest text, two buttons with the longest answer, a fallback.
-- Variable: n, recipients.
SELECT fill('large', :n, message => jsonb_build_object('serviceType', 'RCSLMS', 'header', '0',
	'body', jsonb_build_object('description', '#{name}님, 주문 #{order}' || repeat('접', 1200)),
	'buttons', jsonb_build_array(jsonb_build_object('suggestions', (SELECT jsonb_agg(jsonb_build_object('action',
		jsonb_build_object('urlAction', jsonb_build_object('openUrl', jsonb_build_object('url', 'https://example.com')),
			'displayText', '보기 ' || i, 'postback', jsonb_build_object('data', repeat('p', 2000))))) FROM generate_series(1, 2) i))),
	'legacy', jsonb_build_object('serviceType', 'LMS', 'msg', repeat('접', 700))));
