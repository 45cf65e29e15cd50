-- What has become of the answer to a message.  Variable: reply_id.
SELECT s.status FROM rcs.inbound i JOIN rcs.message_status s ON s.id = i.reply_message WHERE i.reply_id = :'reply_id';
