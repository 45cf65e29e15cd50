/*
 * secret_file.h
 *	  Reads a secret from a file of the server.
 */
#ifndef RCS_SECRET_FILE_H
#define RCS_SECRET_FILE_H

/*
 * The text in the file, at most "most" bytes.  Never raises for a bad file:
 * returns NULL and the reason, which names the option and no path, because more
 * people read reasons than may see the mapping.
 */
extern char *rcs_secret_file_read(const char *path, const char *option, int most, char **problem);

#endif /* RCS_SECRET_FILE_H */
