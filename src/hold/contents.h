/*
 * contents.h
 *		Were the rows of this database written here?
 */
#ifndef RCS_CONTENTS_H
#define RCS_CONTENTS_H

#include "datatype/timestamp.h"

/*
 * Why not; NULL: they were.  With SPI connected, as the owner.  "filled": a
 * subscription writes them, so this server must not.
 */
extern char *rcs_contents_foreign(TimestampTz installed_at, bool *filled);

#endif /* RCS_CONTENTS_H */
