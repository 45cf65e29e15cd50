/*
 * asan_first.c
 *		Makes AddressSanitizer initialize before all other libraries.
 *
 * Otherwise its first malloc() may come from a constructor that holds the lock
 * of gettext (libgpg-error's does); its initialization asks gettext too, and
 * leaves the lock broken, so that the server hangs at its start.  Linked with
 * -z initfirst and preloaded.
 */
#include <stdlib.h>

extern void asan_first(void);

__attribute__((constructor)) void
asan_first(void)
{
	free(malloc(1));
}
