/*
 * reports.h
 *	  What becomes of an accepted message, and when the customer may know.
 *
 * Knows the forms of a report and the switches; not how it is delivered.
 */
#ifndef KTSIM_REPORTS_H
#define KTSIM_REPORTS_H

#include <jansson.h>
#include <stdint.h>

#include "delays.h"
#include "util.h"

struct Sim;
struct SimAccount;

typedef struct SimReports
{
	SimDelays due;
	SimRandom random; /* its own, so that it does not change what messages get */
	uint64_t made;	  /* each report, also repeated and unknown ones */
	uint64_t never;
	uint64_t handed; /* by queries */
	uint64_t lost;
	uint64_t queries;
	uint64_t queries_active;
	char *ready_answer; /* to the next query of an account; NULL: as it should be */
	size_t ready_len;
} SimReports;

extern uint64_t sim_report_make(struct Sim *sim, struct SimAccount *account, const json_t *root,
								const char *forced);
extern int64_t sim_report_mode(const struct Sim *sim, const struct SimAccount *account);
extern void sim_reports_run(struct Sim *sim);
extern void sim_reports_free(SimReports *reports);

#endif /* KTSIM_REPORTS_H */
