/*
 * launcher.h
 *		The one process that starts and stops the workers of all databases.
 */
#ifndef RCS_LAUNCHER_H
#define RCS_LAUNCHER_H

extern void rcs_launcher_register(void);
extern PGDLLEXPORT void rcs_launcher_main(Datum main_arg);

#endif /* RCS_LAUNCHER_H */
