/*
 * malloc_context.h
 *		A memory context in which each allocation stands alone.
 */
#ifndef RCS_MALLOC_CONTEXT_H
#define RCS_MALLOC_CONTEXT_H

#include "postgres.h"

#include "utils/palloc.h"

/* Its allocations end at the byte asked for; beyond it, and after they are freed, nobody may read. */
extern MemoryContext malloc_context_create(MemoryContext parent);

/* Allocations of all such contexts that are not freed. */
extern int64 malloc_context_live(void);

#endif /* RCS_MALLOC_CONTEXT_H */
