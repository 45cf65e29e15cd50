-- A campaign to everybody in a table, as a draft.  The customers are read from stdin, as CSV.
\set ON_ERROR_STOP on
CREATE TABLE customers (phone text, name text, product text, amount int, ref text);
\copy customers FROM pstdin WITH (FORMAT csv, HEADER)

SELECT rcs_campaign_create('demo', '{
	"serviceType": "RCSSMS",
	"header": "0",
	"body": {"description": "#{name}님, 주문하신 #{product} 상품이 오늘 출발합니다. 결제 금액은 #{amount}원입니다."}
}') AS campaign \gset

-- A column is a placeholder of the same name; ref is the site's own id of a recipient.
SELECT added, duplicates, rejected FROM rcs_campaign_add(:'campaign', $$
	SELECT phone, name, product, to_char(amount, 'FM999,999,999') AS amount, ref FROM customers
$$);

SELECT phone, message #>> '{body,description}' AS text FROM rcs_campaign_preview(:'campaign', 3);
