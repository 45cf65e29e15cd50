/*
 * listener_worker.h
 *		The process that takes reports and inbound messages.
 */
#ifndef RCS_LISTENER_WORKER_H
#define RCS_LISTENER_WORKER_H

extern PGDLLEXPORT void rcs_listener_main(Datum main_arg);

#endif /* RCS_LISTENER_WORKER_H */
