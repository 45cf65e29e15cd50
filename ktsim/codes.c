/*
 * codes.c
 *	  Which HTTP status and which text go with a result code.
 *
 * Knows nothing of requests.  The carrier's real statuses are not public: this
 * one table is the place to correct them.  What is not listed is a permanent
 * refusal, 400.
 */
#include "codes.h"

#include <stddef.h>
#include <string.h>

typedef struct CodeInfo
{
	const char *code;
	unsigned status;
	const char *text;
} CodeInfo;

static const CodeInfo codes[] = {
	/* token */
	{"70001", 401, "missing authorization header"},
	{"70002", 401, "missing token"},
	{"70003", 401, "invalid token"},
	{"70004", 401, "token has expired"},
	{"70005", 401, "authorization error"},
	/* account, permission, product */
	{"70006", 403, "invalid client id"},
	{"70007", 403, "invalid sender id"},
	{"70008", 403, "invalid password"},
	{"70009", 403, "non allowed ip"},
	{"72122", 403, "invalid chatbot permission"},
	{"72124", 403, "invalid service permission"},
	{"72134", 403, "invalid chatbot chat permission"},
	{"72136", 403, "invalid chat message permission"},
	{"79003", 403, "rcs id mismatched"},
	{"79010", 403, "invalid result policy"},
	{"73001", 403, "unavailable service"},
	{"73002", 403, "unsubscribed legacy service"},
	/* throttled */
	{"41003", 429, "too many requests"},
	{"42601", 429, "too many requests"},
	{"50201", 429, "rate exceeded"},
	{"71817", 429, "too many sessions"},
	{"72104", 429, "message tps exceeded"},
	{"79002", 429, "concurrent max request exceeded"},
	{"79005", 429, "exceed query limit count"},
	/* used before */
	{"42514", 409, "duplicate message"},
	{"55806", 409, "duplicate message"},
	{"71003", 409, "duplication error"},
	/* passing trouble */
	{"53004", 500, "file upload error"},
	{"54004", 500, "maap core fault"},
	{"71001", 500, "system error"},
	{"71002", 500, "io error"},
	{"71010", 500, "maap fe api error"},
	{"71011", 500, "kisa gw error"},
	{"71816", 500, "link fault"},
	{"71819", 500, "server busy"},
	{"71820", 500, "no health check answer"},
	{"71821", 500, "terminating"},
	{"71823", 500, "session lost"},
	{"71824", 500, "database link fault"},
	{"72100", 500, "invalid state"},
	{"72113", 500, "file upload error"},
	{"72114", 500, "convert timeout"},
	{"72116", 500, "webfile download error"},
	{"75003", 500, "capri and npdb error"},
	{"76001", 500, "capri interface error"},
	{"76002", 500, "schedule manager internal error"},
	{"76004", 500, "xroshot sender internal error"},
	{"76005", 500, "xroshot manager internal error"},
	{"78002", 500, "calling"},
	{"78003", 500, "device no response"},
	{"78004", 500, "device power off"},
	{"78005", 500, "shaded area"},
	{"78006", 500, "device message full"},
	{"79006", 500, "request query execution failure"},
	{"79007", 500, "duplicated query id"},
	{"79994", 500, "kt maap fe fail"},
	{"79995", 500, "skt maap fe fail"},
	{"79996", 500, "lgu maap fe fail"},
	/* the request */
	{"53003", 400, "file id format error"},
	{"53005", 400, "invalid multi part request"},
	{"71004", 400, "parameter error"},
	{"71005", 400, "json parsing error"},
	{"71007", 404, "not found handler"},
	{"71008", 400, "missing mandatory parameter"},
	{"72101", 400, "common info error"},
	{"72102", 400, "legacy info error"},
	{"72103", 400, "rcs info error"},
	{"72106", 400, "message media not found"},
	{"72107", 400, "invalid media file type"},
	{"72115", 400, "attached file size error"},
	{"72117", 400, "exceeded message content size"},
	{"72121", 400, "exceed content size"},
	{"72123", 400, "invalid service type"},
	{"72125", 400, "invalid expiry option"},
	{"72126", 400, "invalid header"},
	{"72127", 400, "invalid footer"},
	{"72133", 400, "chiplist not allowed"},
	{"55713", 400, "exceeded reply id usage count"},
	{"55885", 400, "invalid user contact for session message"},
	{"55886", 400, "invalid chatbot id for session message"},
	{"72137", 400, "not found reply id"},
	{"72138", 400, "expired reply id"},
	{"75008", 400, "invalid user contact"},
	{"79004", 400, "invalid query request"},
	{"79008", 400, "invalid request"},
	{"79011", 400, "non exist query id"},
};

static const CodeInfo *
find_code(const char *code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}

unsigned
sim_code_status(const char *code)
{
	const CodeInfo *info = find_code(code);

	return info ? info->status : 400;
}

const char *
sim_code_text(const char *code)
{
	const CodeInfo *info = find_code(code);

	return info ? info->text : "refused";
}
