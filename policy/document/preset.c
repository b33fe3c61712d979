/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of embedded presets. */
#include "policy/document/preset.h"

#include "base/attributes.h"

#include "policy/document/preset_texts.inc"

#define ROW(name, text) {"preset/" name, {text, sizeof(text) - 1}},
static const struct preset presets[] = {EMBEDDED(ROW)};

size_t preset_count(void)
{
    return ARRAY_LEN(presets);
}

const struct preset *preset_at(size_t index)
{
    return &presets[index];
}

const struct preset *preset_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        if (slice_equal_text(name, presets[i].name))
            return &presets[i];
    }
    return NULL;
}
