/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of sources, and the document's frame around what they drafted. */
#include "policy/import/policy_import.h"

#include "policy/import/import_expression.h"

static const struct policy_import_source sources[] = {
    {"tinyproxy", import_tinyproxy}, {"squid", import_squid},     {"sbx", import_sbx},
    {"hosts", import_hosts},         {"domains", import_domains},
};

size_t policy_import_source_count(void)
{
    return ARRAY_LEN(sources);
}

const struct policy_import_source *policy_import_source_at(size_t index)
{
    return &sources[index];
}

const struct policy_import_source *policy_import_source_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        if (slice_equal_text(name, sources[i].name))
            return &sources[i];
    }
    return NULL;
}

bool policy_import(const struct policy_import_source *source,
                   const struct policy_import_input *input, struct buffer *out,
                   struct policy_messages *notes, struct policy_messages *errors)
{
    CLEANUP(import_draft_free)
    struct import_draft draft = {.input = input, .notes = notes, .errors = errors};
    size_t errors_before = errors->count;
    source->read(&draft);
    import_expression_end(&draft);
    if (errors->count > errors_before)
        return false;
    import_draft_write(&draft, source->name, input->file, out);
    return true;
}
