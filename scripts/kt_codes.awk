# Turns data/kt-error-codes.tsv (code, family, name, class, gloss, scope) into the C table that
# src/kt/response.c includes, or with -v to=sql into a view of the install script.  Sorts,
# because the C table is searched by halves, and refuses what would make that search or the
# statement wrong: bad codes, bad classes, a code given twice, characters that need quoting.

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
	if ($1 !~ /^[1-9][0-9]*$/ || length($1) > 9)
		bad("code is not a number of 1 to 9 digits")
	if ($2 !~ /^[a-z-]+$/)
		bad("family has characters that do not belong in a name")
	if ($4 !~ /^[a-g]$/)
		bad("class is not one of a to g")
	if ($3 !~ /^[A-Za-z0-9_|.-]+$/)
		bad("name has characters that do not belong in a name")
	if ($5 ~ /[^ -~]/ || $5 ~ /\\/)
		bad("gloss is not printable ASCII without backslashes")
	if ($6 != "" && $6 != "account")
		bad("scope is neither empty nor account")
	if ($6 == "account" && $4 != "f")
		bad("only a refusal of class f can be about the account")
	if (($1 + 0) in class)
		bad("code " $1 " is given twice")

	# insertion sort: the file is nearly sorted already
	code = $1 + 0
	for (i = n++; i > 0 && codes[i - 1] > code; i--)
		codes[i] = codes[i - 1]
	codes[i] = code
	family[code] = $2
	name[code] = $3
	class[code] = $4
	gloss[code] = $5
	account[code] = $6 == "account" ? "true" : "false"
}

function print_c(i)
{
	print "/* Made by scripts/kt_codes.awk from data/kt-error-codes.tsv; do not edit. */"
	print "static const RcsKtCode rcs_kt_codes[] = {"
	for (i = 0; i < n; i++)
		printf "\t{%d, '%s', %s, \"%s\"},\n", codes[i], class[codes[i]], account[codes[i]], name[codes[i]]
	print "};"
}

function print_sql(i, text)
{
	print "-- Made by scripts/kt_codes.awk from data/kt-error-codes.tsv; do not edit."
	print "CREATE VIEW rcs._code_shipped AS SELECT * FROM (VALUES"
	for (i = 0; i < n; i++) {
		text = gloss[codes[i]]
		gsub(/'/, "''", text)
		printf "\t('%d', '%s', '%s', '%s', %s, '%s')%s\n", codes[i], family[codes[i]], name[codes[i]],
			class[codes[i]], account[codes[i]], text, i < n - 1 ? "," : ""
	}
	print "\t) AS v(code, family, name, class, account, gloss);"
	print "COMMENT ON VIEW rcs._code_shipped IS 'result codes as this version of the extension knows them';"
}

END {
	if (failed)
		exit 1
	if (n == 0)
		bad("no codes")
	if (to == "sql")
		print_sql()
	else
		print_c()
}
