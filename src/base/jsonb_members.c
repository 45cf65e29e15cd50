/*
 * jsonb_members.c
 *		The members of a JSON object by their names.
 *
 * Must not know the meaning of the object.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/jsonb_members.h"

/* False when the member is missing; a null is found. */
static bool
find(JsonbContainer *object, const char *name, JsonbValue *v)
{
	return JsonContainerIsObject(object) &&
		   getKeyJsonValueFromContainer(object, name, (int) strlen(name), v) != NULL;
}

JsonbValue *
rcs_member(JsonbContainer *object, const char *name)
{
	JsonbValue v;
	JsonbValue *copy;

	if (!find(object, name, &v) || v.type == jbvNull)
		return NULL;
	copy = palloc(sizeof(JsonbValue));
	*copy = v;
	return copy;
}

bool
rcs_member_present(JsonbContainer *object, const char *name)
{
	JsonbValue v;

	return find(object, name, &v) && v.type != jbvNull;
}

JsonbContainer *
rcs_member_object(JsonbContainer *object, const char *name)
{
	JsonbValue v;

	return find(object, name, &v) && v.type == jbvBinary && JsonContainerIsObject(v.val.binary.data)
			   ? v.val.binary.data
			   : NULL;
}

JsonbContainer *
rcs_member_list(JsonbContainer *object, const char *name)
{
	JsonbValue v;

	return find(object, name, &v) && v.type == jbvBinary && JsonContainerIsArray(v.val.binary.data)
			   ? v.val.binary.data
			   : NULL;
}

char *
rcs_member_text(JsonbContainer *object, const char *name)
{
	JsonbValue v;

	if (!find(object, name, &v))
		return NULL;
	if (v.type == jbvString)
		return pnstrdup(v.val.string.val, v.val.string.len);
	if (v.type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v.val.numeric)));
	return NULL;
}

bool
rcs_is_word(const JsonbValue *v, const char *word)
{
	return v != NULL && v->type == jbvString && v->val.string.len == (int) strlen(word) &&
		   memcmp(v->val.string.val, word, v->val.string.len) == 0;
}
