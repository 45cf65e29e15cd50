/*
 * process.h
 *	  What any of these programs does around its work: options, signals, an end.
 *
 * Knows nothing of that work.
 */
#ifndef KTSIM_PROCESS_H
#define KTSIM_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

extern uint64_t sim_parse_number(const char *name, const char *text, uint64_t max);
extern void sim_die_with_parent(pid_t parent);
extern void sim_raise_file_limit(void);
extern int sim_open_signals(void);
extern void sim_write_port_file(const char *path, const char *text);
extern char *sim_read_file(const char *path);

#endif /* KTSIM_PROCESS_H */
