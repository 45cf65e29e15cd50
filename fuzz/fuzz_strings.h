/*
 * fuzz_strings.h
 *		Each string of an input alone.
 */
#ifndef RCS_FUZZ_STRINGS_H
#define RCS_FUZZ_STRINGS_H

#include "utils/jsonb.h"

#include "message/complaint.h"

extern void fuzz_strings(Jsonb *message, const RcsFacts *facts);

#endif /* RCS_FUZZ_STRINGS_H */
