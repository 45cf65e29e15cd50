/*
 * throughput.h
 *		Counts the outcomes of requests for each carrier account and minute.
 */
#ifndef RCS_THROUGHPUT_H
#define RCS_THROUGHPUT_H

typedef enum RcsAnswerKind
{
	RCS_ANSWER_ACCEPTED,
	RCS_ANSWER_FAILED,
	RCS_ANSWER_THROTTLED,
	RCS_ANSWER_OTHER
} RcsAnswerKind;

extern void rcs_throughput_note(const char *server, RcsAnswerKind kind, int64 took_us);
extern void rcs_throughput_write(int64 now_us, bool at_once);

#endif /* RCS_THROUGHPUT_H */
