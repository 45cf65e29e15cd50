/*
 * secret_file.c
 *	  Reads a secret from a file of the server.
 *
 * Must not know the use of the secret.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mb/pg_wchar.h"
#include "storage/fd.h"

#include "base/secret_file.h"

/*
 * Reads at most size bytes.  Non-blocking, and regular files only: a pipe put
 * in place of the secret must not hang a worker.
 */
static ssize_t
read_small_file(const char *path, const char *option, char *buf, size_t size, char **problem)
{
	int fd = BasicOpenFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	struct stat st;
	ssize_t len = 0;
	bool regular = true;
	int save_errno = 0;

	if (fd < 0)
	{
		*problem = psprintf("could not open %s: %s", option, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		regular = false;
	while (regular && (size_t) len < size)
	{
		ssize_t n = read(fd, buf + len, size - (size_t) len);

		if (n < 0)
			save_errno = errno;
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	if (regular && save_errno == 0)
		return len;
	*problem = regular ? psprintf("could not read %s: %s", option, strerror(save_errno))
					   : psprintf("%s is not a regular file", option);
	return -1;
}

/* Editors end a file with a newline that is no part of the secret. */
static char *
secret_from_bytes(const char *option, char *buf, size_t len, int most, char **problem)
{
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	if (len > 0 && buf[len - 1] == '\r')
		len--;
	if (len == 0)
		*problem = psprintf("%s is empty", option);
	else if (len > (size_t) most)
		*problem = psprintf("%s is longer than %d bytes", option, most);
	else if (memchr(buf, '\0', len) != NULL)
		*problem = psprintf("%s contains a zero byte", option);
	else if (!pg_verify_mbstr(GetDatabaseEncoding(), buf, (int) len, true))
		*problem = psprintf("%s is not text in the encoding of the database", option);
	return *problem ? NULL : pnstrdup(buf, len);
}

char *
rcs_secret_file_read(const char *path, const char *option, int most, char **problem)
{
	size_t size = (size_t) most + 3; /* a newline of two bytes, and one too many */
	char *buf = palloc(size);
	char *secret = NULL;
	ssize_t len;

	*problem = NULL;
	len = read_small_file(path, option, buf, size, problem);
	if (len >= 0)
		secret = secret_from_bytes(option, buf, (size_t) len, most, problem);
	explicit_bzero(buf, size);
	pfree(buf);
	return secret;
}
