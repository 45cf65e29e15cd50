/*
 * result_code.h
 *		Result codes of the carrier in tables: the operator's changes, and codes
 *		that are unknown.
 */
#ifndef RCS_RESULT_CODE_H
#define RCS_RESULT_CODE_H

#include "datatype/timestamp.h"
#include "kt/response.h"

/* A code that was met and is in no table, with the latest answer that had it. */
typedef struct RcsUnknownCode
{
	char code[RCS_CODE_SIZE];
	char reason[RCS_REASON_SIZE];
	char server[NAMEDATALEN];
	int http_status;
	int64 n;
	TimestampTz first_at;
	TimestampTz last_at;
} RcsUnknownCode;

/* Both in a transaction of a worker. */
extern void rcs_result_codes(MemoryContext cxt, RcsCodes *codes);
extern bool rcs_result_code_unknown(const RcsUnknownCode *u);

#endif /* RCS_RESULT_CODE_H */
