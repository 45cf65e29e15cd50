/*
 * switches.h
 *	  How the stand-in misbehaves: settings that can change while it runs.
 *
 * Knows names, kinds and bounds; not what a switch does.
 */
#ifndef KTSIM_SWITCHES_H
#define KTSIM_SWITCHES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codes.h"

/* Percentages may be fractional.  README.md says what each switch does. */
typedef struct SimSwitches
{
	int64_t latency_ms;
	int64_t latency_jitter_ms;
	double slow_pct;
	int64_t slow_ms;
	double status_pct;
	int64_t status_code;
	double accept_then_500_pct;
	double accept_then_close_pct;
	double close_pct;
	double hang_pct;
	double accept_then_hang_pct;
	double garbage_pct;
	double html_pct;
	double unauthorized_pct;
	double throttle_pct;
	int64_t retry_after_ms;
	double endless_pct;
	double gzip_bomb_pct;
	double big_header_pct;
	double half_close_pct;
	double stall_pct;
	double reset_pct;
	double truncate_pct;
	double html200_pct;
	double deep_json_pct;
	double digits_pct;
	double duplicate_keys_pct;
	double error_pct;
	char error_code[SIM_CODE_MAX + 1];
	bool token_down;
	bool token_reject;
	bool expire_tokens; /* an order, taken back once carried out */
	int64_t close_keepalive_every;
	int64_t dup_window_s;
	int64_t token_ttl_s;
	int64_t token_every;
	int64_t quota;
	int64_t lockout_ms;
	int64_t seed;
	bool check_media;
	int64_t file_days;
	int64_t file_seconds;
	int64_t file_max_bytes;
	int64_t file_envelope;
	bool file_size_text;
	bool file_refuse_reuse;
	bool expire_files; /* an order too */
	double file_slow_pct;
	int64_t file_slow_ms;
	double file_close_pct;
	double file_hang_pct;
	double file_500_pct;
	double file_throttle_pct;
	double file_error_pct;
	char file_error_code[SIM_CODE_MAX + 1];
	double file_store_500_pct;
	double file_store_close_pct;
	double file_store_hang_pct;
	double file_store_garbage_pct;
	int64_t file_fault_count;
	json_t *phone_code;			 /* object: number -> code */
	json_t *refuse_phone_suffix; /* object: end of number -> code */
	double fault_sum;			 /* of all faults of messages; follows from the others */
} SimSwitches;

extern void sim_switches_init(SimSwitches *switches);
extern bool sim_switches_set(SimSwitches *switches, const json_t *changes, char *problem,
							 size_t problem_size);
extern bool sim_switches_set_text(SimSwitches *switches, const char *assignment, char *problem,
								  size_t problem_size);
extern json_t *sim_switches_json(const SimSwitches *switches);
extern void sim_switches_free(SimSwitches *switches);

#endif /* KTSIM_SWITCHES_H */
