/*
 * render.c
 *		How long a worker takes to make the request of one message from a
 *		campaign's template.  A module of the benchmark, not of the extension.
 *
 * bench/render.sh builds it together with the sources it measures.
 */
#include "postgres.h"

#include "fmgr.h"
#include "portability/instr_time.h"
#include "utils/jsonb.h"

#include "kt/payload.h"
#include "message/check.h"
#include "message/recipient.h"

PG_MODULE_MAGIC;

static double
microseconds_each(instr_time start, int n)
{
	instr_time end;

	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	return INSTR_TIME_GET_DOUBLE(end) * 1e6 / n;
}

/* (message, params, n): microseconds for one request */
PG_FUNCTION_INFO_V1(bench_render);
Datum
bench_render(PG_FUNCTION_ARGS)
{
	RcsSender sender = {.chatbot = "0212351235", .agency_key = "AK.x", .brand_key = "BK.x"};
	RcsPayload *p = rcs_payload_compile(&PG_GETARG_JSONB_P(0)->root, &sender, true);
	JsonbContainer *params = &PG_GETARG_JSONB_P(1)->root;
	int n = PG_GETARG_INT32(2);
	StringInfoData out;
	instr_time start;

	initStringInfo(&out);
	INSTR_TIME_SET_CURRENT(start);
	for (int i = 0; i < n; i++)
	{
		resetStringInfo(&out);
		if (rcs_payload_render(p, "aa0f8c9e-93a3-5a3c-8f5e-f5a6c2a6c0c1", "01012345678", params,
							   false, &out) != NULL)
			elog(ERROR, "a parameter is missing");
	}
	PG_RETURN_FLOAT8(microseconds_each(start, n));
}

/* (message, params, n): microseconds for the check of one recipient */
PG_FUNCTION_INFO_V1(bench_check);
Datum
bench_check(PG_FUNCTION_ARGS)
{
	RcsCheckOptions options = {.is_template = true};
	RcsForm *form;
	RcsFault fault;
	JsonbContainer *params = &PG_GETARG_JSONB_P(1)->root;
	int n = PG_GETARG_INT32(2);
	instr_time start;

	if (rcs_message_faults(PG_GETARG_JSONB_P(0), &options, &form) != NIL)
		elog(ERROR, "the message is not valid");
	INSTR_TIME_SET_CURRENT(start);
	for (int i = 0; i < n; i++)
		if (!rcs_form_check(form, params, 300, &fault))
			elog(ERROR, "%s", fault.problem);
	PG_RETURN_FLOAT8(microseconds_each(start, n));
}
