/*
 * chat_worker.h
 *		Entry point of the chat workers.
 */
#ifndef RCS_CHAT_WORKER_H
#define RCS_CHAT_WORKER_H

extern PGDLLEXPORT void rcs_chat_main(Datum main_arg);

#endif /* RCS_CHAT_WORKER_H */
