/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of what was lost. */
#include "proxy/loop/log_loss.h"

#include <stdio.h>

/* Whether the record that is on its way has arrived, or is gone. */
static bool is_settled(struct log_loss *loss, const struct log_writer *log)
{
    if (loss->seq == 0)
        return true;
    switch (log_writer_state(log, loss->seq)) {
    case LOG_WRITE_PENDING:
        return false;
    case LOG_WRITE_DONE:
        loss->told = loss->telling;
        break;
    case LOG_WRITE_LOST:
        break;
    }
    loss->seq = 0;
    return true;
}

static void tell(struct log_loss *loss, struct log_writer *log, uint64_t lost, const char *policy)
{
    char text[128];
    snprintf(text, sizeof(text), "%llu records of this log could not be written and are lost",
             (unsigned long long)(lost - loss->told));
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .event = LOG_LOST,
        .policy = slice_from_text(policy),
        .text = slice_from_text(text),
        .count = lost - loss->told,
    };
    loss->telling = lost;
    loss->seq = log_writer_add(log, &record);
    fprintf(stderr, "dockreeve: %s\n", text);
}

/* Called in every turn of the loop. */
void log_loss_tell(struct log_loss *loss, struct log_writer *log, const char *policy)
{
    if (log_writer_lost_count(log) == loss->told || log_writer_blocked(log) ||
        !is_settled(loss, log))
        return;
    uint64_t lost = log_writer_number_lost(log);
    if (lost != loss->told)
        tell(loss, log, lost, policy);
}
