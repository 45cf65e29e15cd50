/*
 * ddl_hooks.h
 *		Statements that workers must make way for, or hear about.
 */
#ifndef RCS_DDL_HOOKS_H
#define RCS_DDL_HOOKS_H

extern void rcs_ddl_hooks_init(void);

#endif /* RCS_DDL_HOOKS_H */
