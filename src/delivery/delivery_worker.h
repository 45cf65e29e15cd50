/*
 * delivery_worker.h
 *		Entry point of the delivery workers.
 */
#ifndef RCS_DELIVERY_WORKER_H
#define RCS_DELIVERY_WORKER_H

extern PGDLLEXPORT void rcs_delivery_main(Datum main_arg);

#endif /* RCS_DELIVERY_WORKER_H */
