# Makes src/listener/console_files.h: the files of the web console as strings of C, so that the library brings
# them along.  Arguments: the files, in any order.
BEGIN {
	type["html"] = "text/html; charset=utf-8"
	type["js"] = "text/javascript; charset=utf-8"
	type["css"] = "text/css; charset=utf-8"
	type["svg"] = "image/svg+xml"
	type["LICENSE"] = "text/plain; charset=utf-8"
	print "/* Made of console/ by scripts/console_files.awk. */"
	print "static const ConsoleText console_texts[] = {"
}
FNR == 1 {
	if (NR > 1)
		print "\t)},"
	path = FILENAME == "console/index.html" ? "/" : "/" FILENAME
	ending = FILENAME
	sub(/.*\./, "", ending)
	if (!(ending in type)) {
		print "console_files.awk: " FILENAME ": unknown kind of file" > "/dev/stderr"
		failed = 1
		exit 1
	}
	printf "\t{\"%s\", \"%s\", CONSOLE_TEXT(\n", path, type[ending]
}
{
	gsub(/\\/, "&&")
	gsub(/["?]/, "\\\\&") # "??=" would be something else in C
	print "\t\"" $0 "\\n\""
}
END {
	if (!failed)
		print "\t)},\n};"
}
