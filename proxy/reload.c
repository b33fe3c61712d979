/* SPDX-License-Identifier: Apache-2.0
 *
 * The loader thread and what wakes it. Loop and thread share one struct under a mutex: the loop
 * asks, the thread builds, an eventfd brings the result back. Everything else of the gate stays the
 * loop's alone. */
#include "proxy/reload.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "proxy/docker_conn.h"
#include "proxy/egress.h"
#include "proxy/listener.h"

/* An editor writes, renames and syncs in several steps: the last of them counts. Where changes go
 * on and on, the first of them waits no longer than PATIENCE_US. */
static const struct timeval settle = {0, 100000};
enum { PATIENCE_US = 500000 };

enum {
    WATCHED = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB |
              IN_DELETE_SELF | IN_MOVE_SELF
};

struct reload {
    struct gate *gate; /* borrowed */
    int inotify_fd;
    int result_fd; /* eventfd: the thread has finished */
    struct event changed, settled, finished;
    bool said_blind; /* that a folder cannot be watched */
    int64_t
        first_unserved_us; /* monotonic time of the first change since the last round; 0 = none */

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t asked;
    /* under the mutex */
    bool wanted, stop;
    bool from_file;         /* the policy in force was read from a file, which must not vanish */
    struct policy *policy;  /* what was built; NULL = errors */
    struct policy *retired; /* the one it replaced: freed by the thread, since freeing a large one
                               takes milliseconds */
    struct buffer messages; /* errors and notices in words */
};

/* Called and returns with the mutex held. */
static void free_retired(struct reload *reload)
{
    struct policy *retired = steal_pointer(&reload->retired);
    pthread_mutex_unlock(&reload->mutex);
    policy_unref(&retired);
    malloc_trim(0); /* two policies were in memory for a moment: give back what one does not need */
    pthread_mutex_lock(&reload->mutex);
}

/* On a busy or single processor the loop goes first. Of a thread, where POSIX says process (Linux).
 */
enum { LOADER_NICE = 10 };

static void *loader(void *context)
{
    struct reload *reload = context;
    (void)setpriority(PRIO_PROCESS, 0, LOADER_NICE);
    pthread_mutex_lock(&reload->mutex);
    for (;;) {
        while (!reload->wanted && !reload->stop && reload->retired == NULL)
            pthread_cond_wait(&reload->asked, &reload->mutex);
        if (reload->stop)
            break;
        if (reload->retired != NULL) {
            free_retired(reload);
            continue;
        }
        reload->wanted = false;
        struct policy_inputs inputs = reload->gate->options->inputs;
        inputs.config_required = inputs.config_required || reload->from_file;
        pthread_mutex_unlock(&reload->mutex);
        struct policy_messages errors = {0}, notices = {0};
        struct policy *policy = policy_load(&inputs, &errors, &notices);
        pthread_mutex_lock(&reload->mutex);
        policy_unref(&reload->policy);
        reload->policy = policy;
        buffer_clear(&reload->messages);
        policy_messages_write(policy == NULL ? &errors : &notices, &reload->messages);
        policy_messages_free(&errors);
        policy_messages_free(&notices);
        uint64_t one = 1;
        (void)!write(reload->result_fd, &one, sizeof(one));
    }
    pthread_mutex_unlock(&reload->mutex);
    return NULL;
}

void reload_now(struct reload *reload)
{
    service_manager_reloading(reload->gate->manager);
    pthread_mutex_lock(&reload->mutex);
    reload->wanted = true;
    pthread_cond_signal(&reload->asked);
    pthread_mutex_unlock(&reload->mutex);
}

/* The folders may come and go: they are watched anew at each round, which costs nothing for those
 * that are watched already. */
static void watch(struct reload *reload)
{
    char *folders[2];
    size_t count = policy_watch_folders(&reload->gate->options->inputs, folders);
    for (size_t i = 0; i < count; i++) {
        bool watched = inotify_add_watch(reload->inotify_fd, folders[i], WATCHED) >= 0;
        if (!watched && errno == EACCES && !reload->said_blind)
            fprintf(stderr,
                    "dockreeve: %s cannot be watched by this user, who may not list it: a changed "
                    "policy is only noticed at SIGHUP\n",
                    folders[i]);
        reload->said_blind |= !watched && errno == EACCES;
        free(folders[i]);
    }
}

static void on_changed(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct reload *reload = context;
    char events[4096];
    while (read((int)fd, events, sizeof(events)) > 0)
        continue; /* which file it was does not matter: all of them make the policy */
    watch(reload);
    int64_t now_us = timestamp_monotonic_us();
    if (reload->first_unserved_us == 0)
        reload->first_unserved_us = now_us;
    /* Later than that the timer stays as it was set by an earlier change: it is about to go off. */
    if (now_us - reload->first_unserved_us < PATIENCE_US - settle.tv_usec)
        evtimer_add(&reload->settled, &settle);
}

static void on_settled(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct reload *reload = context;
    reload->first_unserved_us = 0;
    reload_now(reload);
}

static void refused(struct gate *gate, const char *text)
{
    fprintf(stderr, "dockreeve: the changed policy is refused, the old one stays in force:\n%s",
            text);
    gate_log_event(gate, LOG_POLICY, false, "reload.refused", text);
    metrics_totals(gate->metrics)->reloads_failed++;
}

/* Hands a reference of a policy that is no longer (or never was) in force to the thread, which is
 * the last to let go as soon as no exchange holds the policy any more. */
static void retire(struct reload *reload, struct policy *policy)
{
    pthread_mutex_lock(&reload->mutex);
    struct policy *earlier = reload->retired;
    reload->from_file = policy_is_from_file(reload->gate->policy);
    reload->retired = policy;
    pthread_cond_signal(&reload->asked);
    pthread_mutex_unlock(&reload->mutex);
    policy_unref(&earlier);
}

static void install(struct reload *reload, struct policy *policy, const char *notices)
{
    struct gate *gate = reload->gate;
    struct listener_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
    struct error error;
    /* One that decides the same is put in place too: its rules may stand on other lines now. */
    bool unchanged = strcmp(policy_hash(policy), policy_hash(gate->policy)) == 0;
    if (!egress_prepare(gate->egress, policy, &error) ||
        !listener_prepare(gate, policy, &fresh, &error)) {
        policy_unref(&policy);
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, "%s\n", error.text);
        refused(gate, buffer_text(&text));
        return;
    }
    listener_commit(gate, policy, &fresh);
    struct policy *replaced = policy_ref(gate->policy);
    gate_set_policy(gate, policy);
    docker_revoke_streams(gate);
    egress_revoke(gate->egress);
    retire(reload, replaced);
    if (notices[0] != '\0')
        fprintf(stderr, "%s", notices);
    metrics_totals(gate->metrics)->reloads_ok++;
    gate_log_event(gate, LOG_POLICY, true, unchanged ? "reload.unchanged" : "reload", notices);
}

static void on_finished(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct reload *reload = context;
    uint64_t rounds;
    AUTO_BUFFER struct buffer messages = BUFFER_EMPTY;
    if (read((int)fd, &rounds, sizeof(rounds)) != sizeof(rounds))
        return;
    pthread_mutex_lock(&reload->mutex);
    struct policy *policy = steal_pointer(&reload->policy);
    buffer_append_slice(&messages, buffer_slice(&reload->messages));
    pthread_mutex_unlock(&reload->mutex);
    if (reload->gate->draining) { /* its listeners are closed for good, and the old policy serves
                                     what is left */
        policy_unref(&policy);
        return;
    }
    if (policy == NULL)
        refused(reload->gate, buffer_text(&messages));
    else
        install(reload, policy, buffer_text(&messages));
    service_manager_ready(reload->gate->manager, policy_hash(reload->gate->policy));
    watch(reload);
}

static bool start_thread(struct reload *reload, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&reload->thread, NULL, loader, reload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    reload->has_thread = failure == 0;
    return failure == 0 || error_set(error, 1, "cannot start the thread that loads policies: %s",
                                     strerror(failure));
}

struct reload *reload_start(struct gate *gate, struct error *error)
{
    struct reload *reload = calloc(1, sizeof(*reload));
    if (reload == NULL)
        abort();
    reload->gate = gate;
    reload->from_file = policy_is_from_file(gate->policy);
    pthread_mutex_init(&reload->mutex, NULL);
    pthread_cond_init(&reload->asked, NULL);
    reload->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    reload->result_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (reload->inotify_fd < 0 || reload->result_fd < 0 || !start_thread(reload, error)) {
        if (!(reload->inotify_fd >= 0 && reload->result_fd >= 0))
            error_set(error, 1, "cannot watch the policy's folders: %s", strerror(errno));
        reload_stop(&reload);
        return NULL;
    }
    event_assign(&reload->changed, gate->base, reload->inotify_fd, EV_READ | EV_PERSIST, on_changed,
                 reload);
    event_add(&reload->changed, NULL);
    event_assign(&reload->finished, gate->base, reload->result_fd, EV_READ | EV_PERSIST,
                 on_finished, reload);
    event_add(&reload->finished, NULL);
    evtimer_assign(&reload->settled, gate->base, on_settled, reload);
    watch(reload);
    return reload;
}

void reload_stop(struct reload **reload)
{
    struct reload *stopped = steal_pointer(reload);
    if (stopped == NULL)
        return;
    if (stopped->has_thread) {
        pthread_mutex_lock(&stopped->mutex);
        stopped->stop = true;
        pthread_cond_signal(&stopped->asked);
        pthread_mutex_unlock(&stopped->mutex);
        pthread_join(stopped->thread, NULL);
    }
    if (event_initialized(&stopped->changed)) {
        event_del(&stopped->changed);
        event_del(&stopped->finished);
        event_del(&stopped->settled);
    }
    if (stopped->inotify_fd >= 0)
        close(stopped->inotify_fd);
    if (stopped->result_fd >= 0)
        close(stopped->result_fd);
    policy_unref(&stopped->policy);
    policy_unref(&stopped->retired);
    buffer_free(&stopped->messages);
    pthread_cond_destroy(&stopped->asked);
    pthread_mutex_destroy(&stopped->mutex);
    free(stopped);
}
