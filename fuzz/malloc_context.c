/*
 * malloc_context.c
 *		A memory context in which each allocation stands alone.
 *
 * PostgreSQL packs allocations into blocks, so that AddressSanitizer sees one
 * that is overrun only at the end of its block.  Here each is one malloc() of
 * exactly its size.  From PostgreSQL 16 on a module cannot bring a kind of
 * context of its own: there it is an ordinary one, of small blocks.
 *
 * Knows nothing of what is tested.
 */
#include "malloc_context.h"

#include "nodes/memnodes.h"
#include "utils/memutils.h"

static int64 live;

int64
malloc_context_live(void)
{
	return live;
}

#if PG_VERSION_NUM < 160000

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
	Size size;
	MemoryContext context; /* PostgreSQL looks for it right before the data */
} Chunk;

typedef struct MallocContext
{
	MemoryContextData header;
	Chunk *chunks;
} MallocContext;

static Chunk *
chunk_of(void *data)
{
	return (Chunk *) data - 1;
}

static void
insert_chunk(MallocContext *m, Chunk *c)
{
	c->previous = NULL;
	c->next = m->chunks;
	if (c->next != NULL)
		c->next->previous = c;
	m->chunks = c;
}

static void
remove_chunk(MallocContext *m, Chunk *c)
{
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		m->chunks = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
}

static void *
malloc_alloc(MemoryContext context, Size size)
{
	Chunk *c = malloc(sizeof(Chunk) + size);

	if (c == NULL)
		return NULL;
	c->size = size;
	c->context = context;
	insert_chunk((MallocContext *) context, c);
	context->mem_allocated += size;
	live++;
	return c + 1;
}

static void
malloc_free(MemoryContext context, void *data)
{
	Chunk *c = chunk_of(data);

	remove_chunk((MallocContext *) context, c);
	context->mem_allocated -= c->size;
	live--;
	free(c);
}

/* Always moved, so that whoever keeps the old address is found out. */
static void *
malloc_realloc(MemoryContext context, void *data, Size size)
{
	void *moved = malloc_alloc(context, size);

	if (moved == NULL)
		return NULL;
	memcpy(moved, data, Min(size, chunk_of(data)->size));
	malloc_free(context, data);
	return moved;
}

static void
malloc_reset(MemoryContext context)
{
	MallocContext *m = (MallocContext *) context;

	while (m->chunks != NULL)
		malloc_free(context, m->chunks + 1);
}

static void
malloc_delete(MemoryContext context)
{
	malloc_reset(context);
	free(context);
}

static Size
malloc_chunk_space(MemoryContext context, void *data)
{
	return sizeof(Chunk) + chunk_of(data)->size;
}

static bool
malloc_is_empty(MemoryContext context)
{
	return ((MallocContext *) context)->chunks == NULL;
}

static void
malloc_stats(MemoryContext context, MemoryStatsPrintFunc print, void *passthru,
			 MemoryContextCounters *totals, bool print_to_stderr)
{
	if (totals != NULL)
		totals->totalspace += context->mem_allocated;
}

#ifdef MEMORY_CONTEXT_CHECKING
static void
malloc_check(MemoryContext context)
{
}
#endif

static const MemoryContextMethods methods = {
	.alloc = malloc_alloc,
	.free_p = malloc_free,
	.realloc = malloc_realloc,
	.reset = malloc_reset,
	.delete_context = malloc_delete,
	.get_chunk_space = malloc_chunk_space,
	.is_empty = malloc_is_empty,
	.stats = malloc_stats,
#ifdef MEMORY_CONTEXT_CHECKING
	.check = malloc_check,
#endif
};

MemoryContext
malloc_context_create(MemoryContext parent)
{
	MallocContext *m = calloc(1, sizeof(MallocContext));

	if (m == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	/* the tag is one that PostgreSQL knows; the methods are what counts */
	MemoryContextCreate((MemoryContext) m, T_AllocSetContext, &methods, parent, "fuzz");
	return (MemoryContext) m;
}

#else

MemoryContext
malloc_context_create(MemoryContext parent)
{
	return AllocSetContextCreate(parent, "fuzz", 0, 1024, 1024);
}

#endif
