-- Builders: messages and buttons for people who write SQL.  They know the shape of the carrier's
-- JSON and the service type of a text; rcs_validate() says whether the result is valid.  A null
-- argument is left out.  The helpers are pure and run with the caller's rights, so they stay
-- executable by everybody.  In PL/pgSQL, whose plans a session keeps: SQL functions that cannot be
-- inlined are planned in each statement, nested ones in each call.

-- ---------- helpers ----------

CREATE FUNCTION rcs._text_length(text pg_catalog.text) RETURNS pg_catalog.int4
	AS 'MODULE_PATHNAME', 'rcs_text_length_sql'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rcs._text_length(pg_catalog.text)
	IS 'length of a text as the carrier counts it: an emoji counts as two';

CREATE FUNCTION rcs._cp949_bytes(text pg_catalog.text) RETURNS pg_catalog.int4
	AS 'MODULE_PATHNAME', 'rcs_text_cp949_bytes_sql'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rcs._cp949_bytes(pg_catalog.text)
	IS 'bytes of a fallback text as the carrier counts them; null if it has a character that CP949 lacks';

CREATE FUNCTION rcs._given(value pg_catalog.anyelement, name pg_catalog.text) RETURNS pg_catalog.anyelement
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value IS NULL THEN
		RAISE EXCEPTION '% must not be null', name USING ERRCODE = 'null_value_not_allowed';
	END IF;
	RETURN value;
END
$$;
COMMENT ON FUNCTION rcs._given(pg_catalog.anyelement, pg_catalog.text) IS 'the value of an argument that must be given';

CREATE FUNCTION rcs._one_of(value pg_catalog.text, name pg_catalog.text, words pg_catalog.text[]) RETURNS pg_catalog.text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value <> ALL (words) THEN
		RAISE EXCEPTION '% is none of "%"', name, array_to_string(words, '", "')
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN value;
END
$$;
COMMENT ON FUNCTION rcs._one_of(pg_catalog.text, pg_catalog.text, pg_catalog.text[])
	IS 'the value of an argument that must be one of these words, or null';

-- Null elements are left out, so that CASE can leave out a button.
CREATE FUNCTION rcs._buttons(buttons pg_catalog.jsonb[]) RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF array_ndims(buttons) > 1 THEN
		RAISE EXCEPTION 'buttons has more than one dimension' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'An array of arrays is made one array with ||.';
	ELSIF cardinality(array_remove(buttons, NULL)) > 0 THEN
		RETURN jsonb_build_array(jsonb_build_object('suggestions', array_remove(buttons, NULL)));
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION rcs._buttons(pg_catalog.jsonb[]) IS 'the buttons of a single card, or null';

CREATE FUNCTION rcs._message(service_type pg_catalog.text, messagebase pg_catalog.text, header pg_catalog.text,
	footer pg_catalog.text, body pg_catalog.jsonb, buttons pg_catalog.jsonb)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN jsonb_strip_nulls(jsonb_build_object('serviceType', service_type,
		'messagebaseId', messagebase, 'header', header, 'footer', footer, 'body', body, 'buttons', buttons));
END
$$;
COMMENT ON FUNCTION rcs._message(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
	pg_catalog.jsonb, pg_catalog.jsonb) IS 'a message of these members; null ones are left out';

CREATE FUNCTION rcs._button(label pg_catalog.text, data pg_catalog.text, action pg_catalog.jsonb)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN jsonb_build_object('action', action || jsonb_build_object(
		'displayText', rcs._given(label, 'label'),
		'postback', jsonb_build_object('data', coalesce(data, label))));
END
$$;
COMMENT ON FUNCTION rcs._button(pg_catalog.text, pg_catalog.text, pg_catalog.jsonb)
	IS 'a button with this label, postback data and action';

-- ---------- messages ----------

-- Placeholders count as they are written, since their values are not known.
CREATE FUNCTION rcs_text(text pg_catalog.text, title pg_catalog.text DEFAULT NULL,
	buttons pg_catalog.jsonb[] DEFAULT NULL, header pg_catalog.text DEFAULT NULL,
	footer pg_catalog.text DEFAULT NULL, service_type pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._message(
		coalesce(rcs._one_of(service_type, 'service_type', '{RCSSMS,RCSLMS}'),
			CASE WHEN rcs._text_length(text) > 100
				OR rcs._buttons(buttons) #> '{0,suggestions,1}' IS NOT NULL
				THEN 'RCSLMS' ELSE 'RCSSMS' END),
		NULL, header, footer,
		jsonb_build_object('title', title, 'description', rcs._given(text, 'text')),
		rcs._buttons(buttons));
END
$$;
COMMENT ON FUNCTION rcs_text(pg_catalog.text, pg_catalog.text, pg_catalog.jsonb[], pg_catalog.text, pg_catalog.text,
	pg_catalog.text)
	IS 'a message of text: RCSSMS to 100 characters and one button, else RCSLMS, unless service_type is given';

CREATE FUNCTION rcs_card(title pg_catalog.text, description pg_catalog.text, media pg_catalog.text,
	buttons pg_catalog.jsonb[] DEFAULT NULL, size pg_catalog.text DEFAULT 'medium',
	header pg_catalog.text DEFAULT NULL, footer pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._message('RCSMMS',
		CASE WHEN rcs._one_of(size, 'size', '{medium,tall}') = 'tall' THEN 'SMwThT00' END,
		header, footer,
		jsonb_build_object('title', title, 'description', description, 'media', rcs._given(media, 'media')),
		rcs._buttons(buttons));
END
$$;
COMMENT ON FUNCTION rcs_card(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.jsonb[], pg_catalog.text,
	pg_catalog.text, pg_catalog.text)
	IS 'a card with a picture (RCSMMS): a message, or an element of rcs_carousel; size is medium or tall';

-- Members of a card besides body and buttons would be lost, so they are refused: a lost header would be advertising
-- without its mark.
CREATE FUNCTION rcs_carousel(cards pg_catalog.jsonb[], size pg_catalog.text DEFAULT 'medium',
	header pg_catalog.text DEFAULT NULL, footer pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_body jsonb := '{}';
	v_buttons jsonb := '[]';
	v_n int := 0;
	v_card jsonb;
	v_more text;
BEGIN
	PERFORM rcs._given(cards, 'cards');
	FOREACH v_card IN ARRAY cards LOOP
		CONTINUE WHEN v_card IS NULL;
		v_n := v_n + 1;
		IF jsonb_typeof(v_card) <> 'object' OR v_card->>'serviceType' IS DISTINCT FROM 'RCSMMS'
			OR jsonb_typeof(v_card->'body') IS DISTINCT FROM 'object'
			OR (v_card->'body') - '{title,description,media}'::text[] <> '{}'
			OR v_card #> '{buttons,1}' IS NOT NULL THEN
			RAISE EXCEPTION 'element % of cards is not a card', v_n
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Make cards with rcs_card().';
		END IF;
		v_more := (SELECT string_agg(k.name, ', ' ORDER BY k.name)
			FROM jsonb_object_keys(v_card - '{serviceType,body,buttons}'::text[]) AS k (name));
		IF v_more IS NOT NULL THEN
			RAISE EXCEPTION 'element % of cards has members that belong to the carousel: %', v_n, v_more
				USING ERRCODE = 'invalid_parameter_value',
					HINT = 'Give size, header and footer to rcs_carousel(), and the fallback to what it gives.';
		END IF;
		v_body := v_body || (SELECT jsonb_object_agg(m.key || v_n, m.value) FROM jsonb_each(v_card->'body') AS m);
		v_buttons := v_buttons || jsonb_build_array(coalesce(v_card #> '{buttons,0}', '{}'));
	END LOOP;
	IF v_n NOT BETWEEN 2 AND 6 THEN
		RAISE EXCEPTION 'a carousel has 2 to 6 cards, not %', v_n
			USING ERRCODE = 'invalid_parameter_value', HINT = 'One card is a message by itself.';
	END IF;
	RETURN rcs._message('RCSMMS',
		CASE WHEN rcs._one_of(size, 'size', '{medium,small}') = 'small' THEN format('CMwShS0%s00', v_n) END,
		header, footer, v_body,
		CASE WHEN jsonb_path_exists(v_buttons, '$[*].suggestions') THEN v_buttons END);
END
$$;
COMMENT ON FUNCTION rcs_carousel(pg_catalog.jsonb[], pg_catalog.text, pg_catalog.text, pg_catalog.text)
	IS 'a carousel (RCSMMS) of 2 to 6 cards made by rcs_card; size is medium or small';

CREATE FUNCTION rcs_fallback(message pg_catalog.jsonb, msg pg_catalog.text, subject pg_catalog.text DEFAULT NULL,
	service_type pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM rcs._given(message, 'message'), rcs._given(msg, 'msg');
	IF jsonb_typeof(message) <> 'object' THEN
		RAISE EXCEPTION 'message is not a JSON object'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Make a message of text with rcs_text().';
	END IF;
	RETURN message || jsonb_build_object('legacy', jsonb_strip_nulls(jsonb_build_object(
		'serviceType', coalesce(rcs._one_of(service_type, 'service_type', '{SMS,LMS}'),
			CASE WHEN subject IS NOT NULL OR rcs._cp949_bytes(msg) > 80 THEN 'LMS' ELSE 'SMS' END),
		'subject', subject,
		'msg', msg)));
END
$$;
COMMENT ON FUNCTION rcs_fallback(pg_catalog.jsonb, pg_catalog.text, pg_catalog.text, pg_catalog.text)
	IS 'the message with a text for phones without RCS: SMS to 80 bytes and without a subject, else LMS, unless service_type is given';

-- ---------- buttons ----------

CREATE FUNCTION rcs_button_url(label pg_catalog.text, url pg_catalog.text, data pg_catalog.text DEFAULT NULL,
	in_app pg_catalog.bool DEFAULT false, half_view pg_catalog.bool DEFAULT false)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF half_view AND in_app IS NOT TRUE THEN
		RAISE EXCEPTION 'half_view is given without in_app'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Only a page inside of the messaging app can have half the height.';
	END IF;
	RETURN rcs._button(label, data, jsonb_build_object(
		CASE WHEN in_app THEN 'localBrowserAction' ELSE 'urlAction' END,
		jsonb_build_object('openUrl', jsonb_strip_nulls(jsonb_build_object(
			'url', rcs._given(url, 'url'), 'isHalfView', CASE WHEN half_view THEN 'true' END)))));
END
$$;
COMMENT ON FUNCTION rcs_button_url(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.bool)
	IS 'a button that opens a page: in the browser, or with in_app inside of the messaging app, there also half as high';

CREATE FUNCTION rcs_button_dial(label pg_catalog.text, phone pg_catalog.text, data pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._button(label, data, jsonb_build_object('dialerAction', jsonb_build_object(
		'dialPhoneNumber', jsonb_build_object('phoneNumber', rcs._given(phone, 'phone')))));
END
$$;
COMMENT ON FUNCTION rcs_button_dial(pg_catalog.text, pg_catalog.text, pg_catalog.text)
	IS 'a button that calls a number';

-- Of any type, so that coordinates may be numbers and placeholders alike.
CREATE FUNCTION rcs_button_map(label pg_catalog.text, latitude pg_catalog.anycompatible DEFAULT NULL,
	longitude pg_catalog.anycompatible DEFAULT NULL, query pg_catalog.text DEFAULT NULL,
	place pg_catalog.text DEFAULT NULL, fallback_url pg_catalog.text DEFAULT NULL, data pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF query IS NULL AND (latitude IS NULL OR longitude IS NULL)
		OR query IS NOT NULL AND (latitude IS NOT NULL OR longitude IS NOT NULL) THEN
		RAISE EXCEPTION 'a map needs either latitude and longitude, or query'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN rcs._button(label, data, jsonb_build_object('mapAction', jsonb_build_object('showLocation',
		jsonb_build_object('fallbackUrl', rcs._given(fallback_url, 'fallback_url'), 'location',
			jsonb_strip_nulls(jsonb_build_object('latitude', latitude, 'longitude', longitude, 'query', query,
				'label', place))))));
END
$$;
COMMENT ON FUNCTION rcs_button_map(pg_catalog.text, pg_catalog.anycompatible, pg_catalog.anycompatible,
	pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text)
	IS 'a button that shows a place, by its coordinates or by what to search for; fallback_url is for phones without maps';

-- Korean time, since all messages go to Korea; so the result depends on no setting.
CREATE FUNCTION rcs._iso_time(at pg_catalog.timestamptz, name pg_catalog.text) RETURNS pg_catalog.text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT isfinite(rcs._given(at, name)) THEN
		RAISE EXCEPTION '% is not a finite time', name USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN to_char(at AT TIME ZONE interval '9 hours', 'YYYY-MM-DD"T"HH24:MI:SS"+09:00"');
END
$$;
COMMENT ON FUNCTION rcs._iso_time(pg_catalog.timestamptz, pg_catalog.text) IS 'a time as the carrier takes it';

CREATE FUNCTION rcs._calendar(label pg_catalog.text, title pg_catalog.text, description pg_catalog.text,
	starts pg_catalog.text, ends pg_catalog.text, data pg_catalog.text)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._button(label, data, jsonb_build_object('calendarAction', jsonb_build_object(
		'createCalendarEvent', jsonb_build_object('title', rcs._given(title, 'title'),
			'description', coalesce(description, title), 'startTime', starts, 'endTime', ends))));
END
$$;
COMMENT ON FUNCTION rcs._calendar(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
	pg_catalog.text) IS 'a button that adds an event to the calendar';

CREATE FUNCTION rcs_button_calendar(label pg_catalog.text, title pg_catalog.text, description pg_catalog.text,
	starts pg_catalog.timestamptz, ends pg_catalog.timestamptz, data pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._calendar(label, title, description, rcs._iso_time(starts, 'starts'), rcs._iso_time(ends, 'ends'), data);
END
$$;
COMMENT ON FUNCTION rcs_button_calendar(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.timestamptz,
	pg_catalog.timestamptz, pg_catalog.text)
	IS 'a button that adds an event to the calendar; without a description it is described by its title';

-- For times that are placeholders.  A literal is resolved to this function too, and is read as a timestamptz.
CREATE FUNCTION rcs_button_calendar(label pg_catalog.text, title pg_catalog.text, description pg_catalog.text,
	starts pg_catalog.text, ends pg_catalog.text, data pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._calendar(label, title, description,
		CASE WHEN starts LIKE '%#{%' THEN starts ELSE rcs._iso_time(starts::timestamptz, 'starts') END,
		CASE WHEN ends LIKE '%#{%' THEN ends ELSE rcs._iso_time(ends::timestamptz, 'ends') END,
		data);
END
$$;
COMMENT ON FUNCTION rcs_button_calendar(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text,
	pg_catalog.text, pg_catalog.text)
	IS 'the same with times as text, which may be placeholders';

CREATE FUNCTION rcs_button_copy(label pg_catalog.text, text pg_catalog.text, data pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._button(label, data, jsonb_build_object('clipboardAction', jsonb_build_object(
		'copyToClipboard', jsonb_build_object('text', rcs._given(text, 'text')))));
END
$$;
COMMENT ON FUNCTION rcs_button_copy(pg_catalog.text, pg_catalog.text, pg_catalog.text)
	IS 'a button that copies a text';

CREATE FUNCTION rcs_button_compose(label pg_catalog.text, phone pg_catalog.text, text pg_catalog.text,
	data pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._button(label, data, jsonb_build_object('composeAction', jsonb_build_object(
		'composeTextMessage', jsonb_build_object(
			'phoneNumber', rcs._given(phone, 'phone'), 'text', rcs._given(text, 'text')))));
END
$$;
COMMENT ON FUNCTION rcs_button_compose(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text)
	IS 'a button that begins a text message to a number';

CREATE FUNCTION rcs_button_reply(label pg_catalog.text, data pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN jsonb_build_object('reply', jsonb_build_object(
		'displayText', rcs._given(label, 'label'),
		'postback', jsonb_build_object('data', coalesce(data, label))));
END
$$;
COMMENT ON FUNCTION rcs_button_reply(pg_catalog.text, pg_catalog.text)
	IS 'a button that answers the chatbot; in messages of type RCSCHAT only';
