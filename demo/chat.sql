-- A rule that answers "menu" with the dishes of the table-order server.  Variable: url, of that server.
\set ON_ERROR_STOP on
CREATE SERVER table_order TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url :'url', timeout '3s');

INSERT INTO rcs.reply_rule (pattern, data_server, data_path, each, each_max, reply, error_reply) VALUES (
	'^menu$', 'table_order', '/menu', 'items', 5,
	'{"body": {"title": "#{item.name}", "description": "#{item.description}, #{item.price} won", "media": "#{item.image}"},
	  "buttons": [{"suggestions": [{"reply": {"displayText": "Order", "postback": {"data": "order:#{item.code}"}}}]}]}',
	'"Our menu is not at hand just now. Please ask the staff."');
