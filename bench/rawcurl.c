/*
 * rawcurl.c
 *		The limit to measure against: a bare libcurl multi loop that posts the
 *		bodies of a file, as fast as it can, and records nothing.
 *
 * usage: rawcurl URL-OF-API ID SECRET BODIES [CONNECTIONS]
 * BODIES is what "ktsim --dump-bodies" writes: an id, a tab, a body per line.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Answer
{
	char		text[8192];
	size_t		len;
} Answer;

static char **bodies;
static size_t nbodies;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static size_t
keep(char *data, size_t size, size_t n, void *arg)
{
	Answer	   *a = arg;
	size_t		take = size * n < sizeof(a->text) - 1 - a->len ? size * n : sizeof(a->text) - 1 - a->len;

	memcpy(a->text + a->len, data, take);
	a->len += take;
	a->text[a->len] = '\0';
	return size * n;
}

static void
read_bodies(const char *file)
{
	FILE	   *f = fopen(file, "r");
	char	   *line = NULL;
	size_t		size = 0;
	size_t		room = 0;

	if (f == NULL)
	{
		perror(file);
		exit(1);
	}
	while (getline(&line, &size, f) > 0)
	{
		char	   *tab = strchr(line, '\t');

		if (tab == NULL)
			continue;
		if (nbodies == room)
			bodies = realloc(bodies, (room = room * 2 + 1024) * sizeof(char *));
		tab[strcspn(tab, "\n")] = '\0';
		bodies[nbodies++] = strdup(tab + 1);
	}
	free(line);
	fclose(f);
}

static char *
token(const char *api, const char *id, const char *secret)
{
	CURL	   *c = curl_easy_init();
	Answer		answer = {{0}, 0};
	char		url[512];
	char		body[1024];
	char	   *start;
	char	   *end;

	snprintf(url, sizeof(url), "%s/token", api);
	snprintf(body, sizeof(body),
			 "{\"rcsId\":\"%s\",\"rcsSecret\":\"%s\",\"grantType\":\"clientCredentials\"}", id, secret);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
	curl_easy_perform(c);
	curl_easy_cleanup(c);
	start = strstr(answer.text, "\"accessToken\":\"");
	if (start == NULL || (end = strchr(start + 15, '"')) == NULL)
	{
		fprintf(stderr, "no token: %s\n", answer.text);
		exit(1);
	}
	*end = '\0';
	return strdup(start + 15);
}

static size_t
ignore(char *data, size_t size, size_t n, void *arg)
{
	(void) data;
	(void) arg;
	return size * n;
}

static CURL *
handle(const char *url, struct curl_slist *headers)
{
	CURL	   *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	return c;
}

static void
give_work(CURLM *multi, CURL *c, size_t *next)
{
	if (*next == nbodies)
		return;
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, bodies[(*next)++]);
	curl_multi_add_handle(multi, c);
}

static size_t
run(CURLM *multi, CURL **handles, int n)
{
	size_t		next = 0;
	size_t		accepted = 0;
	int			running = 1;

	for (int i = 0; i < n; i++)
		give_work(multi, handles[i], &next);
	while (running > 0)
	{
		CURLMsg    *m;
		int			left;

		curl_multi_perform(multi, &running);
		while ((m = curl_multi_info_read(multi, &left)) != NULL)
		{
			CURL	   *c = m->easy_handle;
			long		status = 0;

			curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
			accepted += status == 200;
			curl_multi_remove_handle(multi, c);
			give_work(multi, c, &next);
			running++;
		}
		if (running > 0)
			curl_multi_poll(multi, NULL, 0, 100, NULL);
	}
	return accepted;
}

int
main(int argc, char **argv)
{
	int			n = argc > 5 ? atoi(argv[5]) : 100;
	CURL	  **handles = calloc(n, sizeof(CURL *));
	struct curl_slist *headers = NULL;
	char		url[512];
	char		bearer[8192];
	CURLM	   *multi;
	size_t		accepted;
	double		start;
	double		seconds;

	if (argc < 5)
	{
		fprintf(stderr, "usage: rawcurl URL-OF-API ID SECRET BODIES [CONNECTIONS]\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_ALL);
	read_bodies(argv[4]);
	snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", token(argv[1], argv[2], argv[3]));
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	headers = curl_slist_append(headers, bearer);
	snprintf(url, sizeof(url), "%s/message", argv[1]);
	multi = curl_multi_init();
	for (int i = 0; i < n; i++)
		handles[i] = handle(url, headers);
	start = now();
	accepted = run(multi, handles, n);
	seconds = now() - start;
	printf("%zu accepted in %.2f s, %.0f a second\n", accepted, seconds, accepted / seconds);
	return accepted == nbodies ? 0 : 1;
}
