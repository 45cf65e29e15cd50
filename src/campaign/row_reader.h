/*
 * row_reader.h
 *		A row of a caller's query read as a recipient.
 */
#ifndef RCS_ROW_READER_H
#define RCS_ROW_READER_H

#include "access/htup.h"
#include "access/tupdesc.h"

#include "campaign/chunk.h"

typedef struct RcsRowReader RcsRowReader;

/* Raises when there is no column "phone", or when a column has a wrong type. */
extern RcsRowReader *rcs_row_reader(TupleDesc desc);

/* Allocates in the caller's memory context; r may point into the tuple. */
extern void rcs_read_row(RcsRowReader *reader, HeapTuple tuple, RcsRecipient *r);

#endif /* RCS_ROW_READER_H */
