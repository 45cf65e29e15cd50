/*
 * template_sql.c
 *		rcs_render(): templates for SQL.
 *
 * A query mostly renders one message with many params, so a call site keeps the
 * template it compiled last.  This file must not know how templates work.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "message/template.h"

/* The template of a call site; all of it lives in "context". */
typedef struct RenderCache
{
	MemoryContext context;
	Jsonb *message;
	RcsTemplate *template;
} RenderCache;

PG_FUNCTION_INFO_V1(rcs_render_sql);

static JsonbContainer *
params_object(Jsonb *params)
{
	if (params == NULL)
		return NULL;
	if (!JB_ROOT_IS_OBJECT(params))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("params must be a JSON object"),
				 errhint("Write them like {\"name\": \"value\"}.")));
	return &params->root;
}

/* ---------- the template that was compiled last ---------- */

static RenderCache *
get_cache(FmgrInfo *flinfo)
{
	RenderCache *cache = flinfo->fn_extra;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(RenderCache));
		cache->context =
			AllocSetContextCreate(flinfo->fn_mcxt, "rcs template", ALLOCSET_SMALL_SIZES);
		flinfo->fn_extra = cache;
	}
	return cache;
}

static void
check_message(Jsonb *message)
{
	JsonbValue scalar;

	if (JB_ROOT_IS_OBJECT(message))
		return;
	if (JB_ROOT_IS_SCALAR(message) && JsonbExtractScalar(&message->root, &scalar) &&
		scalar.type == jbvString)
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("message must be a JSON object or string")));
}

static RcsTemplate *
cached_template(FmgrInfo *flinfo, Jsonb *message)
{
	RenderCache *cache = get_cache(flinfo);
	MemoryContext old;

	if (cache->message != NULL && VARSIZE(cache->message) == VARSIZE(message) &&
		memcmp(cache->message, message, VARSIZE(message)) == 0)
		return cache->template;

	check_message(message);
	cache->message = NULL;
	MemoryContextReset(cache->context);
	old = MemoryContextSwitchTo(cache->context);
	cache->template = rcs_template_compile(&message->root, true);
	cache->message = palloc(VARSIZE(message));
	memcpy(cache->message, message, VARSIZE(message));
	MemoryContextSwitchTo(old);
	return cache->template;
}

/* ---------- the function ---------- */

static void
raise_missing(const RcsTemplate *t, JsonbContainer *params)
{
	List *names = rcs_template_missing(t, params);
	StringInfoData list;
	ListCell *lc;

	initStringInfo(&list);
	foreach(lc, names)
		appendStringInfo(&list, "%s\"%s\"", list.len > 0 ? ", " : "", (char *) lfirst(lc));
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("message has placeholders without a value"),
					errdetail("These need a string, number or boolean in params: %s.", list.data),
					errhint("Write ##{ for a #{ that is not a placeholder.")));
}

static Datum
parse_json(char *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

Datum
rcs_render_sql(PG_FUNCTION_ARGS)
{
	JsonbContainer *params;
	RcsTemplate *t;
	Jsonb *message;
	StringInfoData out;
	const char *problem;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	message = PG_GETARG_JSONB_P(0);
	params = params_object(PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1));
	t = cached_template(fcinfo->flinfo, message);

	initStringInfo(&out);
	problem = rcs_template_render(t, params, &out);
	if (problem == rcs_template_too_long)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("message would be longer than %d bytes", RCS_TEMPLATE_MOST)));
	if (problem != NULL)
		raise_missing(t, params);
	return parse_json(out.data);
}
