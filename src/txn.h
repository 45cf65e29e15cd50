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
 * told to stop while somebody was altering the extension.  Does not return when
 * the extension is gone.
 */
extern bool rcs_txn_run(void (*body)(void *arg), void *arg);
extern bool rcs_txn_in(void);

#endif /* RCS_TXN_H */
