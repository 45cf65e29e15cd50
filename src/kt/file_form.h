/*
 * file_form.h
 *	  The carrier's file call: the form that is sent, and the answer about the file.
 *
 * Pure.  Only a lack of memory raises.
 */
#ifndef RCS_FILE_FORM_H
#define RCS_FILE_FORM_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#define RCS_KT_BOUNDARY_SIZE 48

/* Appends the form that uploads an image; the boundary occurs nowhere in it. */
extern void rcs_kt_file_form(StringInfo out, const char *file_id, const char *type,
							 const char *bytes, size_t len, char boundary[RCS_KT_BOUNDARY_SIZE]);

typedef struct RcsKtFile
{
	bool there;				/* it holds the file */
	bool expired;			/* ... but it is not to be used any more */
	TimestampTz expires_at; /* 0: it did not say */
} RcsKtFile;

/* The body of an answer with HTTP status 200. */
extern void rcs_kt_file_answer(const char *body, size_t len, RcsKtFile *file);

#endif /* RCS_FILE_FORM_H */
