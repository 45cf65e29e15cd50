/*
 * codes.h
 *	  Which HTTP status and which text go with a result code.
 *
 * Knows nothing of requests.  A code is a string; NULL means success.
 */
#ifndef KTSIM_CODES_H
#define KTSIM_CODES_H

#define SIM_CODE_MAX 15 /* longest code that a switch may name */

extern unsigned sim_code_status(const char *code);
extern const char *sim_code_text(const char *code);

#endif /* KTSIM_CODES_H */
