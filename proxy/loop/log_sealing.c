/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop gives descriptors and the key to keep to a worker of its own: a disk that hangs holds up
 * neither the reading of policies nor, in the end, the stop. */
#include "proxy/loop/log_sealing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "policy/seal/log_resume.h"
#include "policy/seal/seal_key.h"
#include "proxy/loop/state_folder.h"
#include "proxy/loop/worker.h"

/* What makes one epoch safe. */
struct seal_job {
    struct worker_job job;
    int state_folder, log_folder;         /* borrowed */
    int fds[LOG_WRITER_UNSYNCED_MAX + 1]; /* owned: the log's files */
    unsigned fd_count;
    struct seal_state state; /* to be kept */
    bool done;
    struct error error; /* if it is not done */
};

struct log_sealing {
    struct loop *loop; /* borrowed */
    struct log_sealer sealer;
    int state_folder, lock, log_folder; /* owned */
    struct event clock;
    bool failing;          /* said on standard error */
    struct worker *worker; /* owned; NULL until it is started */
    bool abandoned;        /* it hangs: what it uses stays until the program ends */
    struct seal_job job;
};

/* A log that cannot be read back cannot be gone on with. */
static bool is_sealable(const char *path)
{
    struct stat status;
    return strcmp(path, "-") != 0 && (stat(path, &status) != 0 || S_ISREG(status.st_mode));
}

static int open_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *folder = slash == NULL
                                 ? slice_to_text(SLICE_LITERAL("."))
                                 : slice_to_text(slice_of(path, (size_t)(slash - path) + 1));
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool open_files(struct log_sealing *sealing, struct error *error)
{
    const struct loop_options *options = sealing->loop->options;
    AUTO_BUFFER struct buffer notices = BUFFER_EMPTY;
    struct seal_state state;
    bool found;
    if (!seal_folder_open(options->state, &sealing->state_folder, &sealing->lock, error) ||
        !seal_state_read(options->state, &state, &found, error))
        return false;
    sealing->log_folder = open_folder_of(options->log.path);
    if (sealing->log_folder < 0)
        return error_set(error, 1, "the folder of the sealed log %s cannot be opened: %s",
                         quote_text(options->log.path).text, strerror(errno));
    if (!log_resume(options->log.path, &state, &notices, error))
        return false;
    struct slice rest = buffer_slice(&notices);
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        fprintf(stderr, "dockreeve: %.*s\n", (int)line.len, line.ptr);
    }
    log_sealer_init(&sealing->sealer, &state.key, &state.chain);
    explicit_bzero(&state, sizeof(state));
    return true;
}

/* Syncs the log, then keeps the key. */
static void keep_key(struct seal_job *job)
{
    bool synced = true;
    int reason = 0;
    for (unsigned i = 0; i < job->fd_count; i++) {
        if (fdatasync(job->fds[i]) != 0) {
            reason = errno;
            synced = false;
        }
        close(job->fds[i]);
    }
    job->fd_count = 0;
    if (synced && fsync(job->log_folder) != 0) {
        reason = errno;
        synced = false;
    }
    job->done =
        synced ? seal_state_write(job->state_folder, &job->state, &job->error)
               : error_set_system(&job->error, reason, "the log cannot be brought to the disk: %s",
                                  strerror(reason));
    explicit_bzero(&job->state, sizeof(job->state));
}

static void work_seal(struct worker_job *job)
{
    keep_key(container_of(job, struct seal_job, job));
}

/* Says once that keys are not safe, and once that they are again. */
static void report(struct log_sealing *sealing, bool done, const struct error *error)
{
    if (!done && !sealing->failing)
        fprintf(stderr,
                "dockreeve: the log cannot be sealed: %s; what is written now can be forged by who "
                "takes this host over, until it can\n",
                error->text);
    else if (done && sealing->failing)
        fputs("dockreeve: the log is sealed again\n", stderr);
    sealing->failing = !done;
}

static void done_seal(struct worker_job *job)
{
    struct log_sealing *sealing = container_of(job, struct log_sealing, job.job);
    if (!job->worked)
        return;
    if (!sealing->job.done)
        sealing->sealer.unsealed++; /* the clock tries again, even if nothing is written */
    report(sealing, sealing->job.done, &sealing->job.error);
}

bool log_sealing_open(struct loop *loop, struct log_sealing **out, struct error *error)
{
    const struct loop_options *options = loop->options;
    struct seal_state state;
    bool found = false;
    *out = NULL;
    if (options->state == NULL)
        return true;
    bool good = seal_state_read(options->state, &state, &found, error);
    explicit_bzero(&state, sizeof(state));
    if (good && !found && is_sealable(options->log.path) && log_ends_sealed(options->log.path))
        fputs("dockreeve: the log was sealed and is NOT SEALED from now on: there is "
              "no " SEAL_KEY_FILE " in the state folder\n",
              stderr);
    if (!good || !found)
        return good;
    if (!is_sealable(options->log.path)) {
        fputs("dockreeve: the log is NOT SEALED although there is a key (" SEAL_KEY_FILE
              "): only a log in a regular file can be\n",
              stderr);
        return true;
    }
    struct log_sealing *sealing = calloc_or_abort(1, sizeof(*sealing));
    sealing->loop = loop;
    sealing->state_folder = sealing->lock = sealing->log_folder = -1;
    sealing->job.job = (struct worker_job){.work = work_seal, .done = done_seal};
    if (open_files(sealing, error)) {
        *out = sealing;
        return true;
    }
    log_sealing_close(&sealing);
    return false;
}

struct log_sealer *log_sealing_sealer(struct log_sealing *sealing)
{
    return sealing == NULL ? NULL : &sealing->sealer;
}

/* Writes the record that closes the epoch and goes on with the next key. False when nothing is to
 * be sealed, or the record cannot be written: the epoch goes on. */
static bool close_epoch(struct log_sealing *sealing, struct seal_job *job)
{
    struct loop *loop = sealing->loop;
    struct log_sealer *sealer = &sealing->sealer;
    if (sealer->unsealed == 0)
        return false;
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .event = LOG_SEAL,
        .policy = slice_from_text(policy_hash(loop->policy)),
    };
    uint64_t seq = log_writer_add(loop->log, &record);
    log_writer_flush_early(loop->log);
    if (log_writer_state(loop->log, seq) != LOG_WRITE_DONE)
        return false;
    struct log_seal_key next = sealer->key;
    log_seal_key_evolve(&next);
    log_sealer_set_key(sealer, &next);
    sealer->unsealed = 0;
    job->state = (struct seal_state){.key = next, .chain = sealer->written};
    explicit_bzero(&next, sizeof(next));
    job->fd_count = log_writer_take_unsynced(loop->log, job->fds);
    if (job->fd_count == 0)
        sealer->unsealed = 1; /* again, when there are descriptors */
    return job->fd_count > 0;
}

/* With nothing under way. False when nothing is to be sealed. */
static bool begin_seal(struct log_sealing *sealing)
{
    if (!close_epoch(sealing, &sealing->job))
        return false;
    worker_give(sealing->worker, &sealing->job.job);
    return true;
}

void log_sealing_now(struct log_sealing *sealing)
{
    if (sealing != NULL && sealing->worker != NULL && !sealing->job.job.out)
        (void)begin_seal(sealing);
}

static void on_clock(evutil_socket_t, short, void *context)
{
    log_sealing_now(context);
}

/* Keeps the key that the log goes on with. What a run before has written is synced first: it may
 * have been killed before that. */
static bool keep_first_key(struct log_sealing *sealing, struct error *error)
{
    const char *path = sealing->loop->options->log.path;
    struct seal_job *job = &sealing->job;
    job->state_folder = sealing->state_folder;
    job->log_folder = sealing->log_folder;
    job->state = (struct seal_state){.key = sealing->sealer.key, .chain = sealing->sealer.written};
    for (unsigned number = 0; number < ARRAY_LEN(job->fds); number++) {
        AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
        buffer_append_text(&name, path);
        if (number > 0)
            buffer_printf(&name, ".%u", number);
        int fd = open(buffer_text(&name), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0)
            job->fds[job->fd_count++] = fd;
    }
    keep_key(job);
    if (!job->done)
        *error = job->error;
    return job->done;
}

bool log_sealing_start(struct log_sealing *sealing, struct error *error)
{
    if (sealing == NULL)
        return true;
    struct loop *loop = sealing->loop;
    /* Whom the folder belongs to can have the keys that are made there. */
    bool kept = state_folder_check(loop->options->state, error) && keep_first_key(sealing, error);
    if (!kept || (sealing->worker = worker_start(loop->base, 0, "seals the log", error)) == NULL) {
        error->exit_code = 1;
        return false;
    }
    struct timeval interval = duration_timeval_ms(loop->options->seal_interval_ms);
    event_assign(&sealing->clock, loop->base, -1, EV_PERSIST, on_clock, sealing);
    event_add(&sealing->clock, &interval);
    return true;
}

void log_sealing_finish(struct log_sealing *sealing, int64_t until_us)
{
    if (sealing == NULL || sealing->worker == NULL)
        return;
    const struct worker_job *job = &sealing->job.job;
    if (worker_wait(sealing->worker, job, until_us) && begin_seal(sealing) &&
        worker_wait(sealing->worker, job, until_us))
        return;
    sealing->abandoned = job->out;
    if (sealing->abandoned)
        fputs("dockreeve: the log could not be brought to the disk in the time that is left: its "
              "last records are sealed at the next start\n",
              stderr);
}

void log_sealing_close(struct log_sealing **sealing)
{
    struct log_sealing *closing = steal_pointer(sealing);
    if (closing == NULL)
        return;
    if (event_initialized(&closing->clock))
        event_del(&closing->clock);
    if (closing->abandoned)
        worker_abandon(&closing->worker);
    else
        worker_stop(&closing->worker);
    log_sealer_wipe(&closing->sealer);
    if (closing->abandoned)
        return;
    cleanup_close(&closing->log_folder);
    cleanup_close(&closing->state_folder);
    cleanup_close(&closing->lock);
    free(closing);
}
