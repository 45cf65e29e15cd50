/*
 * rate_limit.h
 *		Token buckets: arithmetic only, on a clock that the caller reads.
 */
#ifndef RCS_RATE_LIMIT_H
#define RCS_RATE_LIMIT_H

/* All zero is a valid bucket without a limit. */
typedef struct RcsBucket
{
	double per_us; /* tokens a microsecond; 0 = no limit */
	double tokens;
	double capacity;
	int64 updated_us;
} RcsBucket;

extern void rcs_bucket_set_rate(RcsBucket *b, double per_minute, int64 now_us);
extern bool rcs_bucket_take(RcsBucket *b, int64 now_us, double keep, int64 *wait_us);
extern void rcs_bucket_give_back(RcsBucket *b);
extern void rcs_bucket_owe(RcsBucket *b, int64 now_us);

#endif /* RCS_RATE_LIMIT_H */
