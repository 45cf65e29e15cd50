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

#define SIM_TEXT_MAX 255 /* longest text that a switch may hold */

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
	double neighbour_pct;
	json_t *account_rate; /* object: account -> contract, a minute */
	json_t *account_code; /* object: account -> code */
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
	int64_t report_mode;
	json_t *report_account_mode; /* object: account -> mode */
	int64_t report_delay_ms;
	int64_t report_jitter_ms;
	double report_never_pct;
	double report_fail_pct;
	char report_fail_code[SIM_CODE_MAX + 1];
	double report_legacy_fail_pct;
	char report_legacy_code[SIM_CODE_MAX + 1];
	json_t *report_phone_suffix; /* object: end of number -> outcome */
	bool report_split;
	bool report_minimal;
	double report_repeat_pct;
	int64_t report_repeat_ms;
	double report_late_pct;
	int64_t report_late_ms;
	double report_early_pct;
	int64_t report_early_ms;
	double report_unknown_pct;
	char push_url[SIM_TEXT_MAX + 1]; /* empty: none */
	char mo_url[SIM_TEXT_MAX + 1];
	char push_authorization[SIM_TEXT_MAX + 1];
	int64_t push_batch;
	int64_t push_form;
	int64_t push_tries;
	int64_t push_retry_ms;
	int64_t push_retry_factor;
	int64_t push_timeout_ms;
	int64_t push_connections;
	bool push_reuse;
	bool push_hold;
	double push_wrong_secret_pct;
	double push_hostile_pct;
	int64_t push_hostile_kind;
	int64_t mo_form;
	int64_t mo_batch;
	int64_t mo_segment;
	int64_t query_batch;
	bool query_more_integer;
	int64_t query_slow_ms;
	int64_t query_max_concurrent;
	int64_t query_per_s;
	double query_lose_pct;
	int64_t reply_id_check;
	int64_t reply_id_ttl_s;
	int64_t reply_id_uses;
	bool reply_id_late;
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
