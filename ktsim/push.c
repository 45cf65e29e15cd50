/*
 * push.c
 *	  The HTTP client: notices go to the customer until he says 200.
 *
 * Notices of a lane wait in a queue; a post takes as many as one body may hold,
 * so a slow receiver gets larger bodies.  Knows libcurl, batches and tries; not
 * what a notice says.
 */
#define _GNU_SOURCE
#include "push.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hostile.h"

#define WAITING_MAX 1000000
#define EVENTS_MAX 64
#define RETRY_US_MAX UINT64_C(3600000000)
#define US_PER_MS UINT64_C(1000)

struct SimPost
{
	SimLaneId lane;
	SimNotices notices;
	char *body;
	size_t len;
	char *url;
	CURL *easy;
	struct curl_slist *headers;
	int64_t tries;
	SimPost *prev;
	SimPost *next;
};

static const char *
lane_url(const SimPush *push, SimLaneId lane)
{
	return lane == SIM_LANE_REPORTS ? push->switches->push_url : push->switches->mo_url;
}

bool
sim_push_possible(const SimPush *push, SimLaneId lane)
{
	return lane_url(push, lane)[0] != '\0';
}

/* Bounded, so that a receiver who never answers costs notices, not all memory. */
void
sim_push_add(SimPush *push, SimLaneId lane, SimNotice *notice)
{
	if (sim_push_possible(push, lane) && push->lanes[lane].waiting.count < WAITING_MAX)
	{
		sim_notices_add(&push->lanes[lane].waiting, notice);
		return;
	}
	push->lanes[lane].dropped++;
	sim_push_ledger_write(&push->ledger, notice, "-", "dropped");
	sim_notice_free(notice);
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	SimPush *push = context;
	struct epoll_event event = {.data.fd = fd};

	(void) easy;
	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(push->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	epoll_ctl(push->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	curl_multi_assign(push->multi, fd, push);
	return 0;
}

static int
watch_timer(CURLM *multi, long timeout_ms, void *context)
{
	SimPush *push = context;

	(void) multi;
	push->timer_us =
		timeout_ms < 0 ? UINT64_MAX : sim_clock_us() + (uint64_t) timeout_ms * US_PER_MS;
	return 0;
}

/* What the receiver says besides the status is of no interest. */
static size_t
ignore_body(char *data, size_t size, size_t count, void *context)
{
	(void) data;
	(void) context;
	return size * count;
}

void
sim_push_start(SimPush *push, const SimSwitches *switches, const char *ledger)
{
	push->switches = switches;
	push->timer_us = UINT64_MAX;
	sim_push_ledger_open(&push->ledger, ledger);
	push->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (push->epoll_fd < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		sim_fatal("could not start the HTTP client");
	push->multi = curl_multi_init();
	if (push->multi == NULL)
		sim_fatal("out of memory");
	curl_multi_setopt(push->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(push->multi, CURLMOPT_SOCKETDATA, push);
	curl_multi_setopt(push->multi, CURLMOPT_TIMERFUNCTION, watch_timer);
	curl_multi_setopt(push->multi, CURLMOPT_TIMERDATA, push);
}

/* The texts one after the other, in the form that the switches ask for. */
static void
make_body(SimPost *post, const char *before, const char *between, const char *after)
{
	size_t len = strlen(before) + strlen(after);
	char *end;

	for (const SimNotice *notice = post->notices.first; notice != NULL; notice = notice->next)
		len += notice->len + strlen(between);
	post->body = sim_alloc(len + 1);
	end = stpcpy(post->body, before);
	for (const SimNotice *notice = post->notices.first; notice != NULL; notice = notice->next)
	{
		end = mempcpy(end, notice->text, notice->len);
		if (notice->next != NULL)
			end = stpcpy(end, between);
	}
	end = stpcpy(end, after);
	post->len = (size_t) (end - post->body);
}

static int64_t
batch_max(const SimSwitches *switches, SimLaneId lane)
{
	if (lane == SIM_LANE_INBOUND)
		return switches->mo_form == 1 ? switches->mo_batch : 1;
	return switches->push_form == 1 ? 1 : switches->push_batch;
}

/* As many of the oldest notices as go into one body. */
static void
fill_post(SimPush *push, SimPost *post)
{
	const SimSwitches *switches = push->switches;
	SimNotices *waiting = &push->lanes[post->lane].waiting;
	bool whole = waiting->first->whole;
	const char *segment = waiting->first->segment;
	int64_t max = whole ? 1 : batch_max(switches, post->lane);
	int64_t form = post->lane == SIM_LANE_INBOUND ? 1 - switches->mo_form : switches->push_form;

	while (waiting->first != NULL && (int64_t) post->notices.count < max &&
		   waiting->first->whole == whole && strcmp(waiting->first->segment, segment) == 0)
		sim_notices_add(&post->notices, sim_notices_take(waiting));
	if (whole || form == 1)
		make_body(post, "", "", "");
	else if (form == 0)
		make_body(post, "[", ",", "]");
	else
		make_body(post, "{\"statusInfo\":[", ",", "]}");
	if (asprintf(&post->url, "%s%s", lane_url(push, post->lane), segment) < 0)
		sim_fatal("out of memory");
}

static SimPost *
new_post(SimPush *push, SimLaneId lane)
{
	SimPost *post = sim_alloc(sizeof(SimPost));

	post->lane = lane;
	post->easy = curl_easy_init();
	if (post->easy == NULL)
		sim_fatal("out of memory");
	post->next = push->posts;
	if (push->posts != NULL)
		push->posts->prev = post;
	push->posts = post;
	return post;
}

static void
free_post(SimPush *push, SimPost *post)
{
	SimNotice *notice;

	while ((notice = sim_notices_take(&post->notices)) != NULL)
		sim_notice_free(notice);
	if (post->prev != NULL)
		post->prev->next = post->next;
	else
		push->posts = post->next;
	if (post->next != NULL)
		post->next->prev = post->prev;
	curl_easy_cleanup(post->easy);
	curl_slist_free_all(post->headers);
	free(post->url);
	free(post->body);
	free(post);
}

/* Anew for each try, since each may come with a wrong secret. */
static void
set_headers(SimPush *push, SimPost *post)
{
	const char *secret = push->switches->push_authorization;
	bool wrong = sim_random_below(&push->random, 100) < push->switches->push_wrong_secret_pct;
	char line[SIM_TEXT_MAX + 64];

	curl_slist_free_all(post->headers);
	post->headers = curl_slist_append(NULL, "Content-Type: application/json; charset=UTF-8");
	post->headers = curl_slist_append(post->headers, "Expect:");
	snprintf(line, sizeof(line), "Authorization: %s%s", secret[0] ? secret : "Bearer ",
			 wrong ? "wrong" : "");
	if (wrong || secret[0] != '\0')
		post->headers = curl_slist_append(post->headers, line);
	curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->headers);
}

static void
note_try(SimPost *post)
{
	uint64_t now_us = sim_clock_us();
	uint64_t epoch_us = sim_epoch_us();

	for (SimNotice *notice = post->notices.first; notice != NULL; notice = notice->next)
	{
		if (notice->tries++ > 0)
			continue;
		notice->first_us = epoch_us;
		if (notice->sent_us != NULL && *notice->sent_us == 0)
			*notice->sent_us = now_us;
	}
}

static void
start_post(SimPush *push, SimPost *post)
{
	const SimSwitches *switches = push->switches;

	push->lanes[post->lane].active++;
	push->tries++;
	post->tries++;
	note_try(post);
	set_headers(push, post);
	curl_easy_setopt(post->easy, CURLOPT_URL, post->url);
	curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) post->len);
	curl_easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, (long) switches->push_timeout_ms);
	curl_easy_setopt(post->easy, CURLOPT_FORBID_REUSE, switches->push_reuse ? 0L : 1L);
	curl_easy_setopt(post->easy, CURLOPT_FRESH_CONNECT, switches->push_reuse ? 0L : 1L);
	curl_easy_setopt(post->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(post->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(post->easy, CURLOPT_WRITEFUNCTION, ignore_body);
	curl_easy_setopt(post->easy, CURLOPT_PRIVATE, post);
	if (push->ca_file != NULL)
		curl_easy_setopt(post->easy, CURLOPT_CAINFO, push->ca_file);
	curl_multi_add_handle(push->multi, post->easy);
}

static void
end_post(SimPush *push, SimPost *post, const char *status, const char *outcome, uint64_t *count)
{
	for (const SimNotice *notice = post->notices.first; notice != NULL; notice = notice->next)
	{
		sim_push_ledger_write(&push->ledger, notice, status, outcome);
		if (!notice->whole)
			(*count)++;
	}
	free_post(push, post);
}

/* Each wait is so many times longer than the one before. */
static uint64_t
retry_wait_us(const SimSwitches *switches, int64_t tries)
{
	uint64_t wait_us = (uint64_t) switches->push_retry_ms * US_PER_MS;

	while (--tries > 0 && wait_us < RETRY_US_MAX)
		wait_us *= (uint64_t) switches->push_retry_factor;
	return wait_us < RETRY_US_MAX ? wait_us : RETRY_US_MAX;
}

static void
finish_post(SimPush *push, SimPost *post, CURLcode result)
{
	SimLane *lane = &push->lanes[post->lane];
	char text[16];
	long status = 0;
	long connects = 0;

	curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->easy, CURLINFO_NUM_CONNECTS, &connects);
	curl_multi_remove_handle(push->multi, post->easy);
	lane->active--;
	push->connections += (uint64_t) connects;
	snprintf(text, sizeof(text), result == CURLE_OK ? "%ld" : "c%ld",
			 result == CURLE_OK ? status : (long) result);
	if (result == CURLE_OK && status == 200)
	{
		end_post(push, post, text, "taken", &lane->taken);
		return;
	}
	push->failures++;
	if (post->tries >= push->switches->push_tries || post->notices.first->whole)
		end_post(push, post, text, "given_up", &lane->given_up);
	else
		sim_delays_add(&push->retries, sim_clock_us() + retry_wait_us(push->switches, post->tries),
					   post);
}

/* One more body, that nobody should be able to read. */
static void
post_hostile(SimPush *push, SimLaneId lane)
{
	int64_t kind = push->switches->push_hostile_kind;
	SimPost *post = new_post(push, lane);

	if (kind == 0)
		kind = (int64_t) (push->hostile_turn++ % SIM_HOSTILE_KINDS) + 1;
	sim_notices_add(&post->notices, sim_hostile((int) kind));
	make_body(post, "", "", "");
	if (asprintf(&post->url, "%s", lane_url(push, lane)) < 0)
		sim_fatal("out of memory");
	start_post(push, post);
}

static void
start_posts(SimPush *push, SimLaneId id)
{
	const SimSwitches *switches = push->switches;
	SimLane *lane = &push->lanes[id];

	while (lane->waiting.first != NULL && lane->active < switches->push_connections &&
		   !switches->push_hold && sim_push_possible(push, id))
	{
		SimPost *post = new_post(push, id);

		fill_post(push, post);
		start_post(push, post);
		if (sim_random_below(&push->random, 100) < switches->push_hostile_pct)
			post_hostile(push, id);
	}
}

static void
drive_curl(SimPush *push)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(push->epoll_fd, events, EVENTS_MAX, 0);
	int running;

	for (int i = 0; i < count; i++)
	{
		int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
				   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
				   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		curl_multi_socket_action(push->multi, events[i].data.fd, what, &running);
	}
	if (sim_clock_us() >= push->timer_us)
	{
		push->timer_us = UINT64_MAX;
		curl_multi_socket_action(push->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

static void
collect(SimPush *push)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(push->multi, &left)) != NULL)
	{
		CURLcode result = message->data.result;
		SimPost *post = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &post);
		finish_post(push, post, result);
	}
}

/* When to call sim_push_run() even if nothing is readable. */
uint64_t
sim_push_next(const SimPush *push)
{
	uint64_t retry_us = sim_delays_next(&push->retries);

	return retry_us < push->timer_us ? retry_us : push->timer_us;
}

void
sim_push_run(SimPush *push)
{
	SimPost *post;

	if (push->posts != NULL || sim_clock_us() >= push->timer_us)
	{
		drive_curl(push);
		collect(push);
		while ((post = sim_delays_take(&push->retries, sim_clock_us())) != NULL)
			start_post(push, post);
	}
	for (int lane = 0; lane < SIM_LANES; lane++)
		start_posts(push, (SimLaneId) lane);
}

/* What has not arrived by now is written down as such. */
void
sim_push_stop(SimPush *push)
{
	uint64_t count = 0;

	while (push->posts != NULL)
	{
		curl_multi_remove_handle(push->multi, push->posts->easy);
		end_post(push, push->posts, "-", "unfinished", &count);
	}
	for (int lane = 0; lane < SIM_LANES; lane++)
	{
		SimNotice *notice;

		while ((notice = sim_notices_take(&push->lanes[lane].waiting)) != NULL)
		{
			sim_push_ledger_write(&push->ledger, notice, "-", "unfinished");
			sim_notice_free(notice);
		}
	}
	curl_multi_cleanup(push->multi);
	curl_global_cleanup();
	free(push->retries.heap);
	close(push->epoll_fd);
	sim_push_ledger_close(&push->ledger);
}
