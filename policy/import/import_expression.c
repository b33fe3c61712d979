/* SPDX-License-Identifier: Apache-2.0
 *
 * tinyproxy and Squid look for an expression anywhere in the host's name. `github.com` so means
 * `github.com.example.net` and `agithubacom.example`, too: the document says the same, and its reader is
 * told. The first lines of a long list tell enough. */
#include "policy/import/import_expression.h"

#include "rules/network/host_name.h"

enum { NOTED_MAX = 20 };

static void note_open(struct import_draft *draft, struct import_place place, struct slice text,
                      const struct posix_expression_bounds *bounds)
{
    const char *where = !bounds->open_after    ? "at the end of"
                        : !bounds->open_before ? "at the beginning of"
                                               : "anywhere in";
    const char *anchor = !bounds->open_after    ? "`^` or `\\.` before it bounds"
                         : !bounds->open_before ? "`$` behind it bounds"
                                                : "`^` and `$` around it bound";
    import_note(draft, place,
                "%s matches %s a name, here as there, and so other domains, too: %s it",
                quote(text).text, where, anchor);
}

static void note_dead(struct import_draft *draft, struct import_place place,
                      enum posix_expression_kind kind, struct slice text)
{
    bool extended = false;
    for (size_t i = 0; i < text.len; i++)
        extended = extended || strchr("(|+?{", text.ptr[i]) != NULL;
    import_note(
        draft, place, "left out: no host matches %s%s", quote(text).text,
        kind == POSIX_EXPRESSION_BASIC && extended
            ? ", in which ( | + ? { stand for themselves: --extended reads them as operators"
        : kind == POSIX_EXPRESSION_FNMATCH
            ? ""
            : ": it is an expression, and asks for a character that no name has");
}

bool import_expression(struct import_draft *draft, struct import_place place,
                       enum posix_expression_kind kind, struct slice text, bool fold,
                       struct posix_expression_patterns *patterns, struct error *error)
{
    if (!posix_expression_read(kind, text, fold, patterns, error))
        return false;
    const struct posix_expression_bounds *bounds = &patterns->bounds;
    bool noted = bounds->dead || bounds->open_before || bounds->open_after;
    draft->expressions_noted += noted;
    if (bounds->dead)
        patterns->count = 0;
    if (!noted || draft->expressions_noted > NOTED_MAX)
        return true;
    if (bounds->dead)
        note_dead(draft, place, kind, text);
    else
        note_open(draft, place, text, bounds);
    return true;
}

void import_expression_end(struct import_draft *draft)
{
    const struct import_place file = {draft->input->file, 0};
    if (draft->expressions_noted > NOTED_MAX)
        import_note(
            draft, file,
            "%zu more expressions match inside names or no host at all, as the first ones do",
            draft->expressions_noted - NOTED_MAX);
}
