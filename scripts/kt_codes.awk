# Turns data/kt-error-codes.tsv (code, family, name, class, gloss) into the C table that
# src/kt_response.c includes.  Sorts, because the table is searched by halves, and refuses
# what would make that search wrong: bad codes, bad classes, a code given twice.

BEGIN {
	FS = "\t"
	n = 0
}

function bad(why)
{
	printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
	failed = 1
	exit 1
}

FNR == 1 && $1 == "code" { next }
/^#/ || /^$/ { next }

{
	if ($1 !~ /^[0-9]+$/)
		bad("code is not a number")
	if ($4 !~ /^[a-g]$/)
		bad("class is not one of a to g")
	if ($3 !~ /^[A-Za-z0-9_|.-]+$/)
		bad("name has characters that do not belong in a name")
	if (($1 + 0) in class)
		bad("code " $1 " is given twice")

	# insertion sort: the file is nearly sorted already
	code = $1 + 0
	for (i = n++; i > 0 && codes[i - 1] > code; i--)
		codes[i] = codes[i - 1]
	codes[i] = code
	class[code] = $4
	name[code] = $3
}

END {
	if (failed)
		exit 1
	if (n == 0)
		bad("no codes")
	print "/* Made by scripts/kt_codes.awk from data/kt-error-codes.tsv; do not edit. */"
	print "static const RcsKtCode rcs_kt_codes[] = {"
	for (i = 0; i < n; i++)
		printf "\t{%d, '%s', \"%s\"},\n", codes[i], class[codes[i]], name[codes[i]]
	print "};"
}
