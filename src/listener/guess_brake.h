/*
 * guess_brake.h
 *		Slows down clients that guess secrets.
 */
#ifndef RCS_GUESS_BRAKE_H
#define RCS_GUESS_BRAKE_H

#include <sys/socket.h>

#define RCS_GUESS_WAIT_MS 1000

/* This client has shown a wrong secret.  True: its answer waits for RCS_GUESS_WAIT_MS. */
extern bool rcs_guess_wrong(const struct sockaddr *client);

#endif /* RCS_GUESS_BRAKE_H */
