/*
 * txn.h
 *		The transaction bracket of workers, and the only PG_TRY around one.
 */
#ifndef RCS_TXN_H
#define RCS_TXN_H

/*
 * Runs body in a transaction of its own, as the owner of the extension, with SPI
 * connected and a snapshot pushed, the extension locked.  False: an error was
 * reported to the log and everything of it is rolled back, or the worker was
 * told to stop while another transaction was altering the extension.  Does not return when
 * the extension is gone.
 */
extern bool rcs_txn_run(void (*body)(void *arg), void *arg);

/* The same, but false at once when another transaction is altering the extension. */
extern bool rcs_txn_try(void (*body)(void *arg), void *arg);

/*
 * True: the last commit has waited for all synchronous standbys that are configured.
 * If it has not, its writes may be gone after a failover.
 */
extern bool rcs_txn_replicated(void);

/* For signal handlers: the statement, or only the wait of the commit, is given up. */
extern void rcs_txn_cancel(SIGNAL_ARGS);
extern void rcs_txn_cancel_commit(SIGNAL_ARGS);

#endif /* RCS_TXN_H */
