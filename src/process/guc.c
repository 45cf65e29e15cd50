/*
 * guc.c
 *		All settings: names, ranges and contexts.
 *
 * This file must not know the readers of a setting.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "base/net_cidr.h"
#include "base/pg_compat.h"
#include "message/ad_hours.h"
#include "process/guc.h"

static char *chatbot = NULL; /* read by its name, as rcs.chatbot */
int rcs_single_workers = 1;
int rcs_campaign_workers = 1;
int rcs_chat_workers = 1;
int rcs_max_in_flight = 512;
int rcs_batch_size = 500;
int rcs_request_timeout = 10000;
int rcs_max_attempts = 5;
int rcs_in_doubt = RCS_IN_DOUBT_RESEND;
int rcs_settle = 2000;
int rcs_settle_dead = 30000;
int rcs_duplicate_window = 3600;
int rcs_after_promotion = RCS_AFTER_PROMOTION_RESUME;
int rcs_after_gap = 86400;
int rcs_pause_failed_percent = 50;
int rcs_pause_failed_min = 500;
int rcs_report_overdue = 3600;
char *rcs_node_id = NULL;
char *rcs_listen_database = NULL;
char *rcs_listen_address = NULL;
int rcs_listen_port = 8480;
char *rcs_listen_secret_file = NULL;
char *rcs_listen_operator_file = NULL;
char *rcs_listen_allow = NULL;
bool rcs_changes = false;
int rcs_keep = 0;
char *rcs_console_role = NULL;
bool rcs_console_read = false;
char *rcs_ad_hours = NULL;
int rcs_ad_margin = 600;
int rcs_ad_daily_cap = 0;

static const struct config_enum_entry in_doubt_options[] = {{"resend", RCS_IN_DOUBT_RESEND, false},
															{"hold", RCS_IN_DOUBT_HOLD, false},
															{NULL, 0, false}};

static const struct config_enum_entry after_promotion_options[] =
	{{"resume", RCS_AFTER_PROMOTION_RESUME, false},
	 {"hold", RCS_AFTER_PROMOTION_HOLD, false},
	 {NULL, 0, false}};

static const struct
{
	const char *name;
	const char *what;
	int *variable;
	int min;
	int max;
	int unit;
} numbers[] = {
	{"rcs.single_workers", "Delivery processes per database for single messages.",
	 &rcs_single_workers, 0, 16, 0},
	{"rcs.campaign_workers", "Delivery processes per database for campaigns.",
	 &rcs_campaign_workers, 0, 16, 0},
	{"rcs.chat_workers", "Processes per database that answer users by reply rules.",
	 &rcs_chat_workers, 0, 16, 0},
	{"rcs.max_in_flight", "Requests that one process has open at most.", &rcs_max_in_flight, 1,
	 4096, 0},
	{"rcs.batch_size", "Messages that a process leases at once at most.", &rcs_batch_size, 1, 10000,
	 0},
	{"rcs.request_timeout", "How long an answer of the carrier is waited for.",
	 &rcs_request_timeout, 100, 600000, GUC_UNIT_MS},
	{"rcs.max_attempts", "Answers of the carrier about one message after which it is given up.",
	 &rcs_max_attempts, 1, 100, 0},
	{"rcs.settle", "How long a message whose outcome is unknown rests before it is offered again.",
	 &rcs_settle, 0, 3600000, GUC_UNIT_MS},
	{"rcs.settle_dead", "How long messages rest whose process died while it was sending them.",
	 &rcs_settle_dead, 0, 3600000, GUC_UNIT_MS},
	{"rcs.duplicate_window", "Age from which a message of unknown outcome is never offered again.",
	 &rcs_duplicate_window, 0, 30 * 86400, GUC_UNIT_S},
	{"rcs.pause_failed_percent",
	 "A campaign is paused when so many percent of its latest messages have failed; 0: never.",
	 &rcs_pause_failed_percent, 0, 100, 0},
	{"rcs.pause_failed_min", "Answers of the carrier about a campaign before it may be paused.",
	 &rcs_pause_failed_min, 1, 1000000, 0},
	{"rcs.keep", "Age from which what is finished is purged; 0 keeps all.", &rcs_keep, 0,
	 3650 * 86400, GUC_UNIT_S},
	{"rcs.after_gap", "Silence after which a server that starts with unsent messages holds them.",
	 &rcs_after_gap, 1, 3650 * 86400, GUC_UNIT_S},
	{"rcs.report_overdue", "How long a report may take until the carrier is asked about it.",
	 &rcs_report_overdue, 0, 86400, GUC_UNIT_S},
	{"rcs.ad_margin", "How long before the end of rcs.ad_hours the last advertising leaves.",
	 &rcs_ad_margin, 0, 12 * 3600, GUC_UNIT_S},
	{"rcs.ad_daily_cap", "Advertising messages that one person gets in a day; 0 is no limit.",
	 &rcs_ad_daily_cap, 0, 1000, 0},
	{"rcs.listen_port", "Port of the inbound listener.", &rcs_listen_port, 1, 65535, 0},
};

static bool
check_ad_hours(char **value, void **extra, GucSource source)
{
	RcsAdHours hours;
	const char *problem = rcs_ad_hours_parse(*value, &hours);

	if (problem == NULL)
		return true;
	GUC_check_errdetail("%s", problem);
	GUC_check_errhint("Give hours and the name of a time zone, such as 08:00-21:00 Asia/Seoul.");
	return false;
}

static bool
check_listen_address(char **newval, void **extra, GucSource source)
{
	struct sockaddr_storage address;

	if (rcs_net_parse(*newval, 0, &address) > 0)
		return true;
	GUC_check_errdetail("It must be an address, not a name.");
	GUC_check_errhint("127.0.0.1 is this machine only, 0.0.0.0 or :: all of its networks.");
	return false;
}

static bool
check_listen_allow(char **newval, void **extra, GucSource source)
{
	RcsCidr list[RCS_LISTEN_ALLOW_MAX];
	char bad[RCS_CIDR_TEXT_MAX];

	if (rcs_cidr_list(*newval, list, RCS_LISTEN_ALLOW_MAX, bad) >= 0)
		return true;
	if (bad[0] == '\0')
		GUC_check_errdetail("There are more than %d networks in it.", RCS_LISTEN_ALLOW_MAX);
	else
		GUC_check_errdetail("\"%s\" is neither a network nor an address.", bad);
	GUC_check_errhint(
		"A list of networks looks like this: 192.0.2.0/24, 2001:db8::/32, 198.51.100.7");
	return false;
}

static const struct
{
	const char *name;
	const char *what;
	const char *more;
	char **variable;
	const char *initial;
	GucStringCheckHook check;
} texts[] = {
	{"rcs.node_id", "An identity by which copies of a server are noticed.",
	 "The same on all nodes of a failover cluster, another on its copies.", &rcs_node_id, "", NULL},
	{"rcs.ad_hours", "Hours of the day in which advertising leaves.",
	 "At other times it goes only to those with night_consent.", &rcs_ad_hours,
	 "08:00-21:00 Asia/Seoul", check_ad_hours},
	{"rcs.listen_database", "Database that reports and inbound messages are stored in.",
	 "Empty: there is no listener.", &rcs_listen_database, "", NULL},
	{"rcs.listen_address", "Address that the inbound listener takes connections at.", NULL,
	 &rcs_listen_address, "127.0.0.1", check_listen_address},
	{"rcs.listen_secret_file", "File with the secret that the carrier has to know.",
	 "One line, or two while the secret is changed.", &rcs_listen_secret_file, "", NULL},
	{"rcs.listen_operator_file", "File with the secret that operators have to know.",
	 "One line, or two while the secret is changed.", &rcs_listen_operator_file, "", NULL},
	{"rcs.listen_allow", "Networks from which the inbound listener takes connections.",
	 "Empty: from anywhere.", &rcs_listen_allow, "", check_listen_allow},
	{"rcs.console_role", "Role with whose rights the web console steers campaigns.",
	 "Empty: it only shows them.", &rcs_console_role, "", NULL},
};

void
rcs_guc_init(void)
{
	DefineCustomStringVariable("rcs.chatbot", "Sender of messages that name none.", NULL, &chatbot,
							   "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("rcs.in_doubt",
							 "What is done with a message whose outcome is unknown.",
							 "It is offered again under the same id and account, or held.",
							 &rcs_in_doubt, RCS_IN_DOUBT_RESEND, in_doubt_options, PGC_SIGHUP, 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("rcs.after_promotion", "What is done after a failover.",
							 "Sending goes on, or is held until rcs_resume().",
							 &rcs_after_promotion, RCS_AFTER_PROMOTION_RESUME,
							 after_promotion_options, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("rcs.console_read", "Does the web console show data to anybody?",
							 "Otherwise only after a log-in.", &rcs_console_read, false, PGC_SIGHUP,
							 0, NULL, NULL, NULL);
	for (size_t i = 0; i < lengthof(texts); i++)
		DefineCustomStringVariable(texts[i].name, texts[i].what, texts[i].more, texts[i].variable,
								   texts[i].initial, PGC_SIGHUP, 0, texts[i].check, NULL, NULL);

	DefineCustomBoolVariable("rcs.changes", "Keep the feed of changes that rcs_changes() reads.",
							 NULL, &rcs_changes, false, PGC_SIGHUP, 0, NULL, NULL, NULL);

	/* the value of a variable before its definition is the default */
	for (size_t i = 0; i < lengthof(numbers); i++)
		DefineCustomIntVariable(numbers[i].name, numbers[i].what, NULL, numbers[i].variable,
								*numbers[i].variable, numbers[i].min, numbers[i].max, PGC_SIGHUP,
								numbers[i].unit, NULL, NULL, NULL);
	RcsReserveGucPrefix("rcs");
}
