/*
 * hostile.c
 *	  Bodies that no carrier should push, for the receiver to survive.
 *
 * Knows bytes only.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define DEPTH ((size_t) 100000)
#define DIGITS ((size_t) 100000)
#define HUGE_BYTES ((size_t) 8 * 1024 * 1024)

#define REPORT "[{\"msgId\":\"00000000-0000-4000-8000-000000000000\",\"status\":"

typedef struct Kind
{
	const char *name;
	const char *begin;
	size_t times; /* of the filler, between begin and end */
	char fill;
	const char *end;
} Kind;

static const Kind kinds[SIM_HOSTILE_KINDS] = {
	{"truncated", REPORT "\"succ", 0, 0, ""},
	{"deep", "", DEPTH, '[', ""},
	{"huge", REPORT "\"", HUGE_BYTES, 'x', "\"}]"},
	{"utf8", REPORT "\"\xc3\x28\xed\xa0\x80\xff\"}]", 0, 0, ""},
	{"types", "[1,null,\"x\",[],{},{\"msgId\":[],\"status\":{},\"error\":7,\"timestamp\":-1}]", 0,
	 0, ""},
	{"empty", "", 0, 0, ""},
	{"nul", REPORT "\"success\\u0000\",\"timestamp\":\"\\ud800\"}]", 0, 0, ""},
	{"digits", REPORT "\"success\",\"bill\":", DIGITS, '7', "}]"},
	{"keys", REPORT "\"fail\",\"status\":\"success\",\"msgId\":null}]", 0, 0, ""},
};

/* The kinds are numbered from 1. */
SimNotice *
sim_hostile(int kind)
{
	const Kind *info = &kinds[kind - 1];
	size_t begin = strlen(info->begin);
	size_t end = strlen(info->end);
	char *text = sim_alloc(begin + info->times + end + 1);
	SimNotice *notice;

	memcpy(text, info->begin, begin);
	memset(text + begin, info->fill, info->times);
	memcpy(text + begin + info->times, info->end, end);
	notice = sim_notice_new("hostile", NULL, info->name, text, begin + info->times + end);
	notice->whole = true;
	return notice;
}
