/*
 * guc.h
 *		The settings of the extension.
 */
#ifndef RCS_GUC_H
#define RCS_GUC_H

typedef enum RcsInDoubt
{
	RCS_IN_DOUBT_RESEND,
	RCS_IN_DOUBT_HOLD
} RcsInDoubt;

typedef enum RcsAfterPromotion
{
	RCS_AFTER_PROMOTION_RESUME,
	RCS_AFTER_PROMOTION_HOLD
} RcsAfterPromotion;

extern int rcs_single_workers;
extern int rcs_campaign_workers;
extern int rcs_chat_workers;
extern int rcs_max_in_flight;
extern int rcs_batch_size;
extern int rcs_request_timeout; /* ms */
extern int rcs_max_attempts;
extern int rcs_in_doubt;		 /* RcsInDoubt */
extern int rcs_settle;			 /* ms */
extern int rcs_settle_dead;		 /* ms */
extern int rcs_duplicate_window; /* seconds */
extern int rcs_after_promotion;	 /* RcsAfterPromotion */
extern int rcs_after_gap;		 /* seconds */
extern int rcs_pause_failed_percent;
extern int rcs_pause_failed_min; /* answers of the carrier */
extern int rcs_report_overdue;	 /* seconds; 0: the carrier is not asked */
extern char *rcs_node_id;		 /* "" = none */
extern bool rcs_changes;
extern char *rcs_ad_hours;	 /* as ad_hours.c parses it */
extern int rcs_ad_margin;	 /* seconds */
extern int rcs_ad_daily_cap; /* 0 = none */
extern int rcs_keep;		 /* seconds; 0 = for ever */

#define RCS_LISTEN_ALLOW_MAX 64

extern char *rcs_listen_database; /* "" = no listener */
extern char *rcs_listen_address;
extern int rcs_listen_port;
extern char *rcs_listen_secret_file;   /* "" = none */
extern char *rcs_listen_operator_file; /* "" = none */
extern char *rcs_console_role;		   /* "" = it cannot steer */
extern bool rcs_console_read;		   /* without a log-in */
extern char *rcs_listen_allow;		   /* networks; "" = any */

extern void rcs_guc_init(void);

#endif /* RCS_GUC_H */
