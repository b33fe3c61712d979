/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that were lost are not passed over in silence: as soon as the log takes records again, one
 * of event `lost` says how many there were, and so does standard error. */
#pragma once

#include "proxy/loop/log_writer.h"

/* Zeroed is nothing lost. */
struct log_loss {
    uint64_t told;    /* lost records that the log tells of */
    uint64_t telling; /* and with the record that is on its way */
    uint64_t seq;     /* its number; 0 = none is */
};

/* Adds the record, if some were lost that nobody was told of. Call before each flush. One that is
 * lost itself comes again. */
void log_loss_tell(struct log_loss *loss, struct log_writer *log, const char *policy);
